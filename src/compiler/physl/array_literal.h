// Array literals: [1, 2], [[true], [false]], numbers only, as in a data file.
#pragma once

#include "array/value.h"
#include "compiler/physl/lexer.h"

namespace jetlag::physl {

// Reads a literal whose first bracket is `token`; leaves there what follows it.
Value read_array(Lexer& lexer, Token& token);

}  // namespace jetlag::physl
