// What a block of a product does: multiply a tile, add partial results.
#pragma once

#include "primitives/product.h"

namespace jetlag {

// c = a b for one tile, by one thread.
using MultiplyTile = void (*)(const Product& tile, bool conjugate);
MultiplyTile find_multiply(DType dtype);
MultiplyTile find_plain_multiply(DType dtype);  // without BLAS; no conjugate

// c = the sum of `count` results of c's shape, added in a tree whose form
// depends on the count alone. Overwrites them.
using AddPartials = void (*)(std::byte* partials, std::int64_t count, const Matrix& c);
AddPartials find_add_partials(DType dtype);

// c = a a^T on the diagonal of a symmetric result.
void multiply_symmetric(const Product& tile);
// Writes the transpose of a tile.
void mirror(const Matrix& from, const Matrix& to);

}  // namespace jetlag
