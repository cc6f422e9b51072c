#include "server/routes/api.h"

#include <nlohmann/json.hpp>

#include "server/routes/route.h"

namespace jetlag::routes {

namespace {

using nlohmann::json;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \n") - first + 1);
}

// A line of a shape. `name` is empty where it stands for the fields of the shape `type`.
struct Field {
  std::string_view name;
  std::string_view type;
  std::string_view doc;
  bool optional = false;
};

Field read_field(std::string_view line) {
  if (line.starts_with("...")) return {{}, line.substr(3), {}, false};
  const std::size_t colon = line.find(": ");
  JETLAG_CHECK(colon != std::string_view::npos, "a field without a type: {}", line);
  const std::size_t comment = std::min(line.find(" // "), line.size());
  Field f{line.substr(0, colon), line.substr(colon + 2, comment - colon - 2), {}, false};
  if (comment < line.size()) f.doc = line.substr(comment + 4);
  f.optional = f.name.ends_with('?');
  if (f.optional) f.name.remove_suffix(1);
  return f;
}

std::vector<Field> fields_of(const Shape& shape) {
  std::vector<Field> fields;
  std::string_view rest = trimmed(shape.fields);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    fields.push_back(read_field(trimmed(rest.substr(0, end))));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return fields;
}

const Shape& shape_named(std::string_view name) {
  for (const Shape& shape : shapes()) {
    if (shape.name == name) return shape;
  }
  JETLAG_CHECK(false, "no shape is called {}", name);
}

// "A | B" outside of parentheses: where the first part ends.
std::size_t first_choice(std::string_view type) {
  int depth = 0;
  for (std::size_t i = 0; i + 2 < type.size(); ++i) {
    if (type[i] == '(' || type[i] == '<') ++depth;
    if (type[i] == ')' || type[i] == '>') --depth;
    if (depth == 0 && type.substr(i, 3) == " | ") return i;
  }
  return std::string_view::npos;
}

// Takes a type apart: the other functions only say what is made of the parts.
template <class Maker>
auto made_of(std::string_view type, const Maker& make) -> decltype(make.plain(type)) {
  constexpr std::string_view record = "Record<string, ";
  if (const std::size_t end = first_choice(type); end != std::string_view::npos)
    return make.choice(made_of(type.substr(0, end), make), made_of(type.substr(end + 3), make));
  if (type.ends_with("[]")) return make.list(made_of(type.substr(0, type.size() - 2), make));
  if (type.starts_with('(')) return made_of(type.substr(1, type.size() - 2), make);
  if (type.starts_with(record))
    return make.record(made_of(type.substr(record.size(), type.size() - record.size() - 1), make));
  for (const auto* known : {"string", "number", "boolean", "null", "unknown"}) {
    if (type == known) return make.plain(type);
  }
  return make.shape(shape_named(type));
}

// TypeScript that promises not to write.
struct AsTypescript {
  static std::string grouped(const std::string& type) {
    return type.find(' ') == std::string::npos ? type : "(" + type + ")";
  }
  static std::string choice(const std::string& a, const std::string& b) { return a + " | " + b; }
  static std::string list(const std::string& of) { return "readonly " + grouped(of) + "[]"; }
  static std::string record(const std::string& of) {
    return "Readonly<Record<string, " + of + ">>";
  }
  static std::string plain(std::string_view name) { return std::string(name); }
  static std::string shape(const Shape& shape) { return std::string(shape.name); }
};

struct AsSchema {
  static json choice(const json& a, const json& b) {
    json all = a.contains("anyOf") ? a : json{{"anyOf", {a}}};
    for (const json& one : b.contains("anyOf") ? b["anyOf"] : json{b}) all["anyOf"].push_back(one);
    return all;
  }
  static json list(const json& of) { return {{"type", "array"}, {"items", of}}; }
  static json record(const json& of) { return {{"type", "object"}, {"additionalProperties", of}}; }
  static json plain(std::string_view name) {
    return name == "unknown" ? json::object() : json{{"type", name}};
  }
  static json shape(const Shape& shape) {
    return {{"$ref", format("#/components/schemas/{}", shape.name)}};
  }
};

void add_fields(const Shape& shape, json& schema) {
  for (const Field& f : fields_of(shape)) {
    if (f.name.empty()) {
      add_fields(shape_named(f.type), schema);
      continue;
    }
    json& property = schema["properties"][std::string(f.name)];
    property = made_of(f.type, AsSchema());
    if (!f.doc.empty()) property["description"] = f.doc;
    if (!f.optional) schema["required"].push_back(f.name);
  }
}

json schema_of(const Shape& shape) {
  json schema = {{"type", "object"},
                 {"description", shape.doc},
                 {"properties", json::object()},
                 {"required", json::array()},
                 {"additionalProperties", false}};
  add_fields(shape, schema);
  return schema;
}

json answer_of(const Route& route) {
  const bool is_media = route.answers.find('/') != std::string_view::npos;
  const std::string media(is_media ? route.answers : "application/json");
  const json schema = is_media ? json::object() : made_of(route.answers, AsSchema());
  const json problem = made_of("ProblemDetails", AsSchema());
  return {{"2XX", {{"description", "done"}, {"content", {{media, {{"schema", schema}}}}}}},
          {"default",
           {{"description", "a refusal"},
            {"content", {{"application/problem+json", {{"schema", problem}}}}}}}};
}

json parts_of(std::string_view path) {
  json parts = json::array();
  for (std::size_t at = path.find('{'); at != std::string_view::npos; at = path.find('{', at + 1)) {
    const std::string_view name = path.substr(at + 1, path.find('}', at) - at - 1);
    parts.push_back(
        {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  return parts;
}

}  // namespace

std::string api_as_typescript() {
  std::string text =
      "// What the server answers. Made by `jetlag describe typescript`, from "
      "src/server/routes/shapes.cpp.\n";
  for (const Shape& shape : shapes()) {
    std::string base;
    std::string lines;
    for (const Field& f : fields_of(shape)) {
      if (f.name.empty()) {
        base = format(" extends {}", f.type);
        continue;
      }
      lines += format("  readonly {}{}: {}", f.name, f.optional ? "?" : "",
                      made_of(f.type, AsTypescript()));
      lines += f.doc.empty() ? "\n" : format(" // {}\n", f.doc);
    }
    const std::string body = lines.empty() ? "{}" : "{\n" + lines + "}";
    text += format("\n// {}\nexport interface {}{} {}\n", shape.doc, shape.name, base, body);
  }
  return text;
}

json api_as_openapi(std::string_view version) {
  json paths = json::object();
  for (const Route& route : routes()) {
    json method = {{"summary", route.doc}, {"responses", answer_of(route)}};
    if (const json parts = parts_of(route.path); !parts.empty()) method["parameters"] = parts;
    if (route.body.most > 0)
      method["requestBody"] = {{"content", {{"*/*", {{"schema", json::object()}}}}}};
    if (route.access == http::Access::anyone) method["security"] = json::array();
    std::string name(route.method);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    paths[std::string(route.path)][name] = std::move(method);
  }
  json schemas = json::object();
  for (const Shape& shape : shapes()) schemas[std::string(shape.name)] = schema_of(shape);
  return {{"openapi", "3.1.0"},
          {"info", {{"title", "jetlag serve"}, {"version", version}}},
          {"paths", paths},
          {"components",
           {{"schemas", schemas},
            {"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}},
          {"security", {{{"token", json::array()}}}}};
}

}  // namespace jetlag::routes
