// What the answers hold: one description, from which come the types of the page
// (web/src/api/answers.ts), the OpenAPI document and the tests that hold real answers to it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

namespace jetlag::routes {

// An object in answers. Each line of `fields` is "name: type // what it is", with "name?" for what
// may be absent; a line "...Shape" stands for the fields of that one. Types are those of
// TypeScript: string, number, boolean, null, unknown, T[], A | B, Record<string, T>, and shapes.
struct Shape {
  std::string_view name;
  std::string_view doc;
  std::string_view fields;
};

std::span<const Shape> shapes();

// All shapes as a module of TypeScript.
std::string api_as_typescript();

// The routes with their answers, as OpenAPI 3.1.
nlohmann::json api_as_openapi(std::string_view version);

}  // namespace jetlag::routes
