// How a product is cut into blocks, and by which loops a block is computed.
//
//   shape          blocks                                  computed by
//   [1,k] [k,1]    stretches of k, added in a fixed tree   dot
//   [m,k] [k,1]    rows of a; if a's columns are the       rows
//                  contiguous lines, stretches of k,       columns
//                  added in a fixed tree
//   [1,k] [k,n]    as b^T a^T
//   [m,k] [k,n]    tiles of c                              gemm, or own loops for integers
//
// The cut depends on shapes, dtypes and layouts alone, and so do all bits.
#include "primitives/product.h"

#include <memory>

#include "primitives/moves.h"
#include "primitives/product_parts.h"

namespace jetlag {

namespace {

// Vectors are cut into so many partial results at most: each costs an addition
// of its length at the end, by one thread.
constexpr std::int64_t most_partials = 32;

// A tile of c should be worth starting, and large enough that packing its parts of a and b costs
// little beside multiplying them; but a few tiles are wanted even where they are smaller, for
// without them a second core has nothing to do. Every column of tiles packs a again, which costs
// four times as much as packing b for a row of them: tiles are wide rather than high.
struct TileSize {
  std::int64_t height, width;
};
constexpr double tile_flops = 2e7;
constexpr TileSize least_tile{240, 640}, least_of_few{160, 224};
constexpr std::int64_t few_tiles = 4, most_tiles_across = 8;
// Of a symmetric result, where both count: square tiles.
constexpr std::int64_t least_square = 320, least_of_few_squares = 224;

struct Cut {
  std::int64_t products = 1;  // in a block, where products are small
  std::int64_t row_pieces = 1, column_pieces = 1, inner_pieces = 1;
  std::int64_t pieces() const { return row_pieces * column_pieces * inner_pieces; }
};

bool is_lines_of_columns(const Matrix& a) {
  return a.column_step != size_of(a.dtype) && a.row_step == size_of(a.dtype);
}

std::int64_t bytes_of(const Matrix& a) { return a.rows * a.columns * size_of(a.dtype); }

double flops_of(const Product& p) {
  return 2.0 * static_cast<double>(p.c.rows) * static_cast<double>(p.c.columns) *
         static_cast<double>(p.a.columns);
}

// Halves tiles: powers of two are shared evenly by most numbers of workers.
Cut cut_matrices(const Product& p) {
  Cut cut;
  while (flops_of(p) / static_cast<double>(2 * cut.pieces()) >= tile_flops) {
    const TileSize least = cut.pieces() < few_tiles ? least_of_few : least_tile;
    const std::int64_t height = p.c.rows / cut.row_pieces / 2;
    const std::int64_t width = p.c.columns / cut.column_pieces / 2;
    if (height >= least.height && cut.row_pieces < most_tiles_across) cut.row_pieces *= 2;
    else if (width >= least.width && cut.column_pieces < most_tiles_across) cut.column_pieces *= 2;
    else break;
  }
  return cut;
}

Cut cut_symmetric(const Product& p) {
  Cut cut;
  std::int64_t& across = cut.row_pieces;
  while (flops_of(p) / static_cast<double>(4 * across * across) >= tile_flops &&
         across < most_tiles_across &&
         p.c.rows / across / 2 >= (across == 1 ? least_of_few_squares : least_square)) {
    across *= 2;
  }
  cut.column_pieces = across;
  return cut;
}

Cut cut_product(const Product& p, bool keeps_sums_whole) {
  Cut cut;
  if (p.c.rows == 1 && p.c.columns == 1) {
    cut.inner_pieces = pieces_of(bytes_of(p.a), std::min(p.a.columns, most_partials));
  } else if (p.c.columns == 1 && is_lines_of_columns(p.a) && p.a.columns * 16 > p.a.rows) {
    cut.inner_pieces = pieces_of(bytes_of(p.a) / 2, std::min(p.a.columns, most_partials));
  } else if (p.c.columns == 1) {
    cut.row_pieces = pieces_of(bytes_of(p.a), p.a.rows);
  } else {
    cut = cut_matrices(p);
  }
  if (keeps_sums_whole) cut.inner_pieces = 1;
  return cut;
}

// What the blocks of a job share.
struct Work {
  std::vector<Product> batch;
  Cut cut;
  MultiplyTile multiply;
  AddPartials add_partials;
  bool conjugate;
  bool symmetric;  // b is a's transpose: c is symmetric, and half of it is enough
  std::unique_ptr<std::byte[]> partials;  // inner_pieces results of c's shape
};

Matrix partial_of(const Work& work, const Product& p, std::int64_t piece) {
  const std::int64_t item = size_of(p.c.dtype);
  const std::int64_t bytes = p.c.rows * p.c.columns * item;
  return {work.partials.get() + piece * bytes,
          p.c.dtype,
          p.c.rows,
          p.c.columns,
          p.c.columns * item,
          item};
}

// Piece i of the product's cut: a tile of c, or a partial result.
void run_piece(const Work& work, const Product& p, std::int64_t i) {
  const Cut& cut = work.cut;
  if (cut.inner_pieces > 1) {
    const std::int64_t first = piece_begin(p.a.columns, cut.inner_pieces, i);
    const std::int64_t last = piece_begin(p.a.columns, cut.inner_pieces, i + 1);
    work.multiply(
        {p.a.columns_part(first, last), p.b.rows_part(first, last), partial_of(work, p, i)},
        work.conjugate);
    return;
  }
  const std::int64_t row = i / cut.column_pieces, column = i % cut.column_pieces;
  const std::int64_t top = piece_begin(p.c.rows, cut.row_pieces, row);
  const std::int64_t bottom = piece_begin(p.c.rows, cut.row_pieces, row + 1);
  const std::int64_t left = piece_begin(p.c.columns, cut.column_pieces, column);
  const std::int64_t right = piece_begin(p.c.columns, cut.column_pieces, column + 1);
  const Product tile{p.a.rows_part(top, bottom), p.b.columns_part(left, right),
                     p.c.rows_part(top, bottom).columns_part(left, right)};
  if (!work.symmetric) return work.multiply(tile, work.conjugate);
  // Above the diagonal a tile is written twice, mirrored; below it, not at all.
  if (column < row) return;
  if (column == row) return multiply_symmetric(tile);
  work.multiply(tile, false);
  mirror(tile.c, p.c.columns_part(top, bottom).rows_part(left, right));
}

void run_block(const Work& work, std::int64_t block) {
  const std::int64_t pieces = work.cut.pieces();
  if (pieces > 1) {
    return run_piece(work, work.batch[static_cast<std::size_t>(block / pieces)], block % pieces);
  }
  const auto count = static_cast<std::int64_t>(work.batch.size());
  const std::int64_t last = std::min((block + 1) * work.cut.products, count);
  for (std::int64_t i = block * work.cut.products; i < last; ++i) {
    run_piece(work, work.batch[static_cast<std::size_t>(i)], 0);
  }
}

bool is_transpose(const Matrix& a, const Matrix& b) {
  return a.data == b.data && a.dtype == b.dtype && a.rows == b.columns && a.columns == b.rows &&
         a.row_step == b.column_step && a.column_step == b.row_step;
}

bool is_symmetric_product(const Product& p, bool conjugate) {
  return p.c.rows > 1 && !conjugate && is_transpose(p.a, p.b) && p.a.dtype == p.c.dtype &&
         (is_float(p.c.dtype) || is_complex(p.c.dtype)) && p.a.rows > 0 && p.a.columns > 0;
}

// [1, k] [k, n] is the transpose of [n, k] [k, 1].
Product upright(const Product& p) {
  if (p.c.rows != 1 || p.c.columns == 1) return p;
  return {p.b.transposed(), p.a.transposed(), p.c.transposed()};
}

// Bytes of a and b that the second-level cache holds, and work of some microseconds.
constexpr std::int64_t small_bytes = 256 << 10;
constexpr std::int64_t small_flops = 100'000;

}  // namespace

bool is_small(const Product& p) {
  if (bytes_of(p.a) + bytes_of(p.b) > small_bytes) return false;
  return 2 * p.c.rows * p.c.columns * p.a.columns <= small_flops && !is_symmetric_product(p, false);
}

void multiply_small(const Product& product) {
  const Product p = upright(product);
  find_multiply(p.c.dtype)(p, false);
}

namespace {

Job job_of(std::vector<Product> batch, bool conjugate, bool plain) {
  if (batch.empty()) return {.blocks = 1, .body = [](std::int64_t) {}, .finish = {}};
  if (!conjugate) {
    for (Product& p : batch) p = upright(p);
  }
  const Product& one = batch.front();
  const auto count = static_cast<std::int64_t>(batch.size());
  auto work = std::make_shared<Work>();
  work->multiply = plain ? find_plain_multiply(one.c.dtype) : find_multiply(one.c.dtype);
  work->add_partials = find_add_partials(one.c.dtype);
  work->conjugate = conjugate;
  work->symmetric = count == 1 && !plain && is_symmetric_product(one, conjugate);
  work->cut = work->symmetric ? cut_symmetric(one) : cut_product(one, count > 1);

  const double flops = flops_of(one);
  const double bytes = static_cast<double>(bytes_of(one.a) + bytes_of(one.b) + bytes_of(one.c));
  Job job;
  job.flops = flops * static_cast<double>(count);
  job.bytes = bytes * static_cast<double>(count);
  const std::int64_t pieces = work->cut.pieces();
  if (pieces == 1) {
    const double cost = std::max(flops / tile_flops, bytes / static_cast<double>(block_bytes));
    work->cut.products =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(1 / (cost + 1e-9)), 1, count);
  }
  job.blocks = pieces > 1 ? pieces * count : (count + work->cut.products - 1) / work->cut.products;
  if (work->cut.inner_pieces > 1) {
    const std::int64_t cells = one.c.rows * one.c.columns;
    work->partials.reset(new std::byte[static_cast<std::size_t>(work->cut.inner_pieces * cells *
                                                                size_of(one.c.dtype))]);
    job.finish = [work] {
      const Product& p = work->batch.front();
      work->add_partials(work->partials.get(), work->cut.inner_pieces, p.c);
    };
  }
  work->batch = std::move(batch);
  job.body = [work = std::move(work)](std::int64_t block) { run_block(*work, block); };
  return job;
}

}  // namespace

Job product_job(std::vector<Product> batch, bool conjugate) {
  return job_of(std::move(batch), conjugate, false);
}

Job matmul_job(std::vector<Product> batch) {
  const bool plain = !batch.empty() && batch.front().a.columns == 1;
  return job_of(std::move(batch), false, plain);
}

}  // namespace jetlag
