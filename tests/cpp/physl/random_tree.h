// Random PhySL trees: every kind of node, with awkward names, texts and numbers.
#pragma once

#include <bit>
#include <limits>
#include <random>

#include "compiler/physl/node.h"

namespace jetlag::physl {

class RandomTree {
 public:
  RandomTree(unsigned seed, bool with_places) : random_(seed), with_places_(with_places) {}

  std::vector<NodePtr> program() {
    std::vector<NodePtr> expressions;
    for (int i = below(4) + 1; i > 0; --i) expressions.push_back(tree(5));
    return expressions;
  }

  NodePtr tree(int levels) {
    const int choice = below(levels == 0 ? 7 : 14);
    switch (choice) {
      case 0: return make_integer(integer(), place());
      case 1: return make_real(real(), place());
      case 2: return make_imaginary(real(), place());
      case 3: return below(2) == 0 ? make_nil(place()) : make_boolean(below(2) == 0, place());
      case 4: return make_string(text(), place());
      case 5: return make_array(array(), place());
      case 6: return make_name(name(), place(), below(4) == 0);
      case 7: return make_list(children(levels, 4), place());
      case 8: return make_big_integer(big(), place());
      default: return call(levels);
    }
  }

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  template <class T, std::size_t n>
  const T& one_of(const T (&choices)[n]) {
    return choices[below(static_cast<int>(n))];
  }

  Place place() { return with_places_ ? Place{below(5000), below(200)} : Place{}; }

  std::int64_t integer() {
    constexpr std::int64_t edges[] = {0, 1, -1, std::numeric_limits<std::int64_t>::min(),
                                      std::numeric_limits<std::int64_t>::max()};
    return below(3) == 0 ? one_of(edges) : below(2000) - 1000;
  }

  double real() {
    constexpr double edges[] = {0.0,
                                -0.0,
                                1e16,
                                5e-324,
                                -1e-5,
                                std::numeric_limits<double>::infinity(),
                                -std::numeric_limits<double>::infinity(),
                                std::numeric_limits<double>::quiet_NaN()};
    return below(3) == 0 ? one_of(edges) : std::bit_cast<double>(random_());
  }

  std::string big() {
    std::string digits = below(2) == 0 ? "-" : "";
    for (int i = below(40) + 1; i > 0; --i) digits += static_cast<char>('0' + below(10));
    return digits;
  }

  std::string text() {
    std::string bytes;
    for (int i = below(12); i > 0; --i) bytes += static_cast<char>(below(256));
    return bytes;
  }

  std::string name() {
    constexpr std::string_view names[] = {"x",     "_",  "j",   "e1", "nil",   "true", "block",
                                          "größe", "%1", "a b", "2x", "f$1$2", "{",    "#\"'"};
    return std::string(one_of(names));
  }

  std::string callee() {
    constexpr std::string_view names[] = {"__add", "__sub",  "__mul", "__div",   "__mod",   "__eq",
                                          "__lt",  "__and",  "__or",  "__minus", "__plus",  "__not",
                                          "block", "define", "if",    "lambda",  "for_each"};
    return below(3) == 0 ? name() : std::string(one_of(names));
  }

  std::vector<NodePtr> children(int levels, int most) {
    std::vector<NodePtr> nodes;
    for (int i = below(most + 1); i > 0; --i) nodes.push_back(tree(levels - 1));
    return nodes;
  }

  NodePtr call(int levels) {
    constexpr std::string_view attributes[] = {"python", "L#1", " a, b\n", "0"};
    std::string callee_name = callee();
    std::vector<NodePtr> arguments = children(levels, 3);
    std::string attribute = below(6) == 0 ? std::string(one_of(attributes)) : "";
    return make_call(std::move(callee_name), std::move(arguments), place(), std::move(attribute),
                     below(10) == 0);
  }

  Value array() {
    constexpr DType dtypes[] = {DType::int64, DType::float64, DType::boolean};
    Dims shape;
    for (int i = below(3) + 1; i > 0; --i) shape.push_back(below(3) + 1);
    const bool is_empty = below(8) == 0;
    if (is_empty) shape[shape.size() - 1] = 0;
    Ref<Array> a = new_array(is_empty ? DType::float64 : one_of(dtypes), shape);
    for (std::int64_t i = 0; i < a->size(); ++i) {
      if (a->dtype() == DType::int64) a->as<std::int64_t>()[i] = integer();
      else if (a->dtype() == DType::float64) a->as<double>()[i] = real();
      else a->as<bool>()[i] = below(2) == 0;
    }
    return Value::of(std::move(a));
  }

  std::mt19937_64 random_;
  bool with_places_;
};

}  // namespace jetlag::physl
