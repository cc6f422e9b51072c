// Texts that go wrong wherever somebody forgot to quote.
#pragma once

#include <random>
#include <string>
#include <vector>

namespace jetlag::jobs {

inline std::vector<std::string> hostile_texts() {
  std::vector<std::string> texts = {"",
                                    " ",
                                    "'",
                                    "\"",
                                    "\\",
                                    "a'b\"c\\d",
                                    "$(touch x)",
                                    "`id`",
                                    ";exit 3",
                                    "a\nb",
                                    "a\r\nb: c",
                                    "-rf",
                                    "--",
                                    "..",
                                    "../../x",
                                    "*",
                                    "~",
                                    "$HOME",
                                    "!!",
                                    "#",
                                    "é∑漢字",
                                    "a&b|c<d>e",
                                    "\t",
                                    "%s%n",
                                    "'; DROP TABLE job; --",
                                    "<script>alert(1)</script>",
                                    "\x01\x7f\xff",
                                    "=",
                                    "a=b",
                                    "{a,b}",
                                    "[a-z]",
                                    "\n",
                                    "''",
                                    "$'\\n'",
                                    std::string(4096, 'x')};
  std::mt19937 random(7);
  for (int i = 0; i < 60; ++i) {
    std::string text;
    for (std::size_t n = random() % 30; n > 0; --n) text += static_cast<char>(1 + random() % 255);
    texts.push_back(text);
  }
  return texts;
}

}  // namespace jetlag::jobs
