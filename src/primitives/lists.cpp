// Functions on PhySL's lists, as Lisp has them. Lists are values: what changes
// one makes another.
#include "primitives/arguments.h"
#include "primitives/families.h"

namespace jetlag {

namespace {

bool is_list(const Value& v) { return v.is(ValueKind::list) || v.is(ValueKind::tuple); }

Value make_list(Arguments args) { return Value::list(args[0].items()); }

Value append(Arguments args) {
  if (!is_list(args[0])) return {};
  std::vector<Value> items = args[0].items();
  items.push_back(args[1]);
  return Value::list(std::move(items));
}

Value prepend(Arguments args) {
  if (!is_list(args[1])) return {};
  std::vector<Value> items{args[0]};
  items.insert(items.end(), args[1].items().begin(), args[1].items().end());
  return Value::list(std::move(items));
}

Value first(const Value& v) {
  if (!is_list(v)) return {};
  if (v.items().empty()) throw Error(Kind::index, "car of an empty list");
  return v.items().front();
}

Value rest(const Value& v) {
  if (!is_list(v)) return {};
  if (v.items().empty()) throw Error(Kind::index, "cdr of an empty list");
  return Value::list({v.items().begin() + 1, v.items().end()});
}

// cadr(x) is car(cdr(x)): the letters apply from the right.
template <char... Letters>
Value accessor(Arguments args) {
  constexpr char letters[] = {Letters...};
  Value v = args[0];
  for (std::size_t i = sizeof...(Letters); i-- > 0 && v.bound();)
    v = letters[i] == 'a' ? first(v) : rest(v);
  return v;
}

Value range(Arguments args) {
  std::int64_t bounds[3] = {0, 0, 1};
  const int given = !args[1].bound() ? 1 : !args[2].bound() ? 2 : 3;
  for (int i = 0; i < given; ++i) {
    const auto bound = args[static_cast<std::size_t>(i)].is_array()
                           ? std::nullopt
                           : as_index(args[static_cast<std::size_t>(i)]);
    if (!bound) return {};
    bounds[given == 1 ? 1 : i] = *bound;
  }
  if (bounds[2] == 0) throw Error(Kind::value, "range() arg 3 must not be zero");
  return Value::range(bounds[0], bounds[1], bounds[2]);
}

constexpr Primitive row(std::string_view name, std::string_view params, std::string_view doc,
                        std::string_view example, ValueRule rule) {
  Primitive p;
  p.name = name;
  p.params = params;
  p.doc = doc;
  p.example = example;
  p.value = rule;
  return p;
}

constexpr std::string_view accessor_doc =
    "An item or the rest of a list; the letters apply from the right.";

constexpr Primitive table[] = {
    row("make_list", "*items", "A list.", "make_list(1, 2)  #= '(1, 2)", make_list),
    row("append", "items, item", "The list with an item more, at its end.",
        "append('(1), 2)  #= '(1, 2)", append),
    row("prepend", "item, items", "The list with an item more, at its beginning.",
        "prepend(1, '(2))  #= '(1, 2)", prepend),
    {.name = "range",
     .python = "builtins.range",
     .params = "start, stop=?, step=?",
     .doc = "Integers from 0 to before the stop, or from start to before stop by step.",
     .example = "fold_left(lambda(a, b, a + b), 0, range(1, 4))  #= 6",
     .value = range},
    row("car", "items", accessor_doc, "car('(1, 2))  #= 1", accessor<'a'>),
    row("cdr", "items", accessor_doc, "cdr('(1, 2))  #= '(2)", accessor<'d'>),
    row("caar", "items", accessor_doc, "caar('('(1), 2))  #= 1", accessor<'a', 'a'>),
    row("cadr", "items", accessor_doc, "cadr('(1, 2))  #= 2", accessor<'a', 'd'>),
    row("cdar", "items", accessor_doc, "cdar('('(1, 3), 2))  #= '(3)", accessor<'d', 'a'>),
    row("cddr", "items", accessor_doc, "cddr('(1, 2, 3))  #= '(3)", accessor<'d', 'd'>),
    row("caaar", "items", accessor_doc, {}, accessor<'a', 'a', 'a'>),
    row("caadr", "items", accessor_doc, {}, accessor<'a', 'a', 'd'>),
    row("cadar", "items", accessor_doc, {}, accessor<'a', 'd', 'a'>),
    row("caddr", "items", accessor_doc, "caddr('(1, 2, 3))  #= 3", accessor<'a', 'd', 'd'>),
    row("cdaar", "items", accessor_doc, {}, accessor<'d', 'a', 'a'>),
    row("cdadr", "items", accessor_doc, {}, accessor<'d', 'a', 'd'>),
    row("cddar", "items", accessor_doc, {}, accessor<'d', 'd', 'a'>),
    row("cdddr", "items", accessor_doc, "cdddr('(1, 2, 3, 4))  #= '(4)", accessor<'d', 'd', 'd'>),
    row("cadddr", "items", accessor_doc, "cadddr('(1, 2, 3, 4))  #= 4",
        accessor<'a', 'd', 'd', 'd'>),
};

}  // namespace

std::span<const Primitive> list_primitives() { return table; }

}  // namespace jetlag
