// The texts that Phylanx and tools of its time leave of a run, read: Newick, CSV and DOT.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace jetlag::trace::phylanx {

// A tree or a graph of named nodes.
struct Node {
  std::string name;
  std::string label;          // in DOT
  std::int64_t own = -1;      // Newick's length; -1: it says none
  int parent = -1;            // stands before it
  std::vector<int> children;  // in their order
};

// "(a,b)c;", names plain or in quotes, each with ":length" or without. Throws Error(value) with the
// place where it ends to be Newick.
std::vector<Node> read_newick(std::string_view text);

// Rows by their first column.
struct Figures {
  std::string display;
  std::int64_t count = 0;
  std::int64_t time = 0;  // nanoseconds, with what is below
  int direct = -1;
  double bytes = 0;
};
// What begins with "primitive_instance,". Throws Error(value) with the line.
std::vector<std::pair<std::string, Figures>> read_figures(std::string_view text);
bool are_figures(std::string_view text);

struct Graph {
  struct Edge {
    int from = 0;
    int to = 0;
    bool dashed = false;
  };
  bool is_directed = false;
  std::vector<Node> nodes;
  std::vector<Edge> edges;
};
// Nodes and edges of DOT, without subgraphs' meaning. Throws Error(value) if it is none.
Graph read_dot(std::string_view text);

// What a name such as /phylanx$0/add$3/0$7$12 says; `kind` is all of another name.
struct Instance {
  std::string kind;
  int number = -1;
  int line = 0;
  int column = 0;
};
Instance read_instance(std::string_view name);

}  // namespace jetlag::trace::phylanx
