// Any text is either refused with an Error or gives a tree that prints and parses back to itself.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/physl/node.h"

namespace {

using jetlag::physl::NodePtr;
using jetlag::physl::PrintOptions;

void expect_round_trip(const std::vector<NodePtr>& program, const PrintOptions& options) {
  const std::string printed = jetlag::physl::print(program, options);
  std::vector<NodePtr> again;
  try {
    again = jetlag::physl::parse(printed);
  } catch (const jetlag::Error& error) {
    std::fprintf(stderr, "%s\nprinted as: %s\n", error.report().c_str(), printed.c_str());
    std::abort();
  }
  bool equal = program.size() == again.size();
  // Without tags the places of the first text are gone.
  if (equal && options.tags) {
    for (std::size_t i = 0; i < program.size(); ++i) equal &= same(*program[i], *again[i]);
  }
  if (equal && jetlag::physl::print(again, options) == printed) return;
  std::fprintf(stderr, "does not come back as it was: %s\n", printed.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<NodePtr> program;
  try {
    program = jetlag::physl::parse({reinterpret_cast<const char*>(data), size}, "fuzz.physl");
  } catch (const jetlag::Error&) {
    return 0;
  }
  expect_round_trip(program, {});
  expect_round_trip(program, {.tags = false});
  expect_round_trip(program, {.tags = false, .infix = true});
  jetlag::physl::to_newick(program);
  jetlag::physl::to_dot(program, "fuzz");
  jetlag::physl::to_tree_text(program);
  try {
    jetlag::physl::verify(program);
  } catch (const jetlag::Error&) {
  }
  return 0;
}
