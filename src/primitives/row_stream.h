// One pass over the rows of a matrix for several uses: products from either
// side, and elementwise work between them. A tile of rows goes through all
// uses while it is in the cache, so memory is read once.
#pragma once

#include <span>
#include <vector>

#include "primitives/product.h"

namespace jetlag {

// A use of row i of x. Vectors have x's dtype and no gaps.
struct RowUse {
  enum class Kind : std::uint8_t {
    rows,      // out[i] = x[i, :] . in
    columns,   // out += in[i] * x[i, :]
    elements,  // whatever run does for elements [first, last)
  };
  Kind kind = Kind::rows;
  const std::byte* in = nullptr;
  std::byte* out = nullptr;
  Watch* watch = nullptr;  // of a product that reports conditions; may be null
  std::function<void(std::int64_t first, std::int64_t last)> run = {};
};

// Whether the loops take the matrix: float or double, contiguous rows that do
// not overlap.
bool is_streamable(const Matrix& x);

// Uses in order: a use of row i may read what earlier ones made of row i. The
// memory belongs to the caller. The cut into blocks and the order of all sums
// depend on x's shape and dtype alone.
Job row_stream_job(const Matrix& x, std::vector<RowUse> uses);

}  // namespace jetlag
