#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "jobs/job.h"

namespace jetlag::jobs {

namespace {

using nlohmann::json;

constexpr std::int64_t most_attempts = 100;
constexpr std::int64_t most_number = 1'000'000'000;
constexpr std::size_t longest_name = 200;

[[noreturn]] void refuse(std::string_view field, std::string_view why, std::string hint = {}) {
  throw Error(Kind::value, format("{}: {}", field, why), std::move(hint));
}

bool has_zero(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// Text that becomes an argument, a path or a line: a NUL would cut it short.
std::string text_of(const json& value, std::string_view field) {
  if (!value.is_string()) refuse(field, "must be text");
  std::string text = value.get<std::string>();
  if (has_zero(text)) refuse(field, "must not hold a null character");
  return text;
}

// One line for the scheduler, in the script that it reads.
std::string line_of(const json& value, std::string_view field) {
  std::string text = text_of(value, field);
  const bool breaks = std::any_of(text.begin(), text.end(),
                                  [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (breaks) refuse(field, "must be one line without control characters");
  return text;
}

// A name that the scheduler takes as one word.
std::string word_of(const json& value, std::string_view field) {
  std::string text = line_of(value, field);
  const bool odd = text.find_first_not_of(
                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:+@%-") !=
                   std::string::npos;
  if (odd || text.starts_with('-')) refuse(field, format("'{}' is no name of one word", text));
  return text;
}

// Empty for none. A program that runs images would take what begins with a dash for an option.
std::string image_of(const json& value, std::string_view field) {
  std::string text = line_of(value, field);
  if (text.starts_with('-')) refuse(field, format("'{}' is no name of an image", text));
  return text;
}

std::int64_t number_of(const json& value, std::string_view field, std::int64_t most) {
  if (!value.is_number_integer()) refuse(field, "must be a whole number");
  const auto number = value.get<std::int64_t>();
  if (number < 0 || number > most) refuse(field, format("must lie between 0 and {}", most));
  return number;
}

template <class Read>
auto list_of(const json& value, std::string_view field, Read read) {
  if (!value.is_array()) refuse(field, "must be a list");
  std::vector<decltype(read(value, field))> list;
  for (const json& item : value) list.push_back(read(item, field));
  return list;
}

// Inside the job's folder, whatever it is spelt like.
std::string path_of(const json& value, std::string_view field) {
  std::string path = text_of(value, field);
  const std::string around = "/" + path + "/";
  if (path.empty() || path.front() == '/' || around.find("/../") != std::string::npos ||
      around.find("/./") != std::string::npos || around.find("//") != std::string::npos) {
    refuse(field, format("'{}' is no path inside the job's folder", path));
  }
  return path;
}

std::string digest_of(const json& value, std::string_view field) {
  std::string text = text_of(value, field);
  if (text.size() != 64 || text.find_first_not_of("0123456789abcdef") != std::string::npos)
    refuse(field, "must be a digest of 64 hexadecimal digits");
  return text;
}

const json& member(const json& object, const char* name, std::string_view field) {
  if (!object.is_object() || !object.contains(name)) refuse(field, format("lacks {}", name));
  return object.at(name);
}

Input input_of(const json& value, std::string_view field) {
  return {path_of(member(value, "path", field), field),
          digest_of(member(value, "digest", field), field)};
}

State state_of(const json& value, std::string_view field) {
  const std::string name = text_of(value, field);
  const std::optional<State> state = state_named(name);
  if (!state) refuse(field, format("there is no state '{}'", name));
  return *state;
}

Notice notice_of(const json& value, std::string_view field) {
  Notice notice;
  notice.target = line_of(member(value, "target", field), field);
  const bool known = notice.target.starts_with("http://") ||
                     notice.target.starts_with("https://") || notice.target.starts_with("mailto:");
  if (!known) refuse(field, format("'{}' is neither a URL nor mailto:", notice.target));
  if (value.contains("on")) {
    notice.on = list_of(value.at("on"), field, state_of);
  } else {
    notice.on = {State::finished, State::failed, State::cancelled};
  }
  return notice;
}

std::vector<std::pair<std::string, std::string>> environment_of(const json& value,
                                                                std::string_view field) {
  if (!value.is_object()) refuse(field, "must be an object");
  std::vector<std::pair<std::string, std::string>> variables;
  for (const auto& [name, text] : value.items()) {
    const bool odd =
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") !=
        std::string::npos;
    if (name.empty() || odd || (name[0] >= '0' && name[0] <= '9'))
      refuse(field, format("'{}' is no name of a variable", name));
    variables.emplace_back(name, text_of(text, field));
  }
  return variables;
}

using Reader = void (*)(Request&, const json&, std::string_view);

struct Field {
  std::string_view name;
  Reader read;
};

constexpr Field fields[] = {
    {"id",
     [](Request& r, const json& v, std::string_view f) {
       r.id = line_of(v, f);
       if (r.id.size() < 16 || r.id.size() > 64 ||
           r.id.find_first_not_of("0123456789abcdef") != std::string::npos)
         refuse(f, "must be 16 to 64 hexadecimal digits");
     }},
    {"name",
     [](Request& r, const json& v, std::string_view f) {
       r.name = line_of(v, f);
       if (r.name.size() > longest_name) refuse(f, format("has more than {} bytes", longest_name));
     }},
    {"machine", [](Request& r, const json& v, std::string_view f) { r.machine = text_of(v, f); }},
    {"function",
     [](Request& r, const json& v, std::string_view f) {
       if (!v.is_boolean()) refuse(f, "must be true or false");
       r.is_function = v.get<bool>();
     }},
    {"command",
     [](Request& r, const json& v, std::string_view f) { r.command = list_of(v, f, text_of); }},
    {"image", [](Request& r, const json& v, std::string_view f) { r.image = image_of(v, f); }},
    {"inputs",
     [](Request& r, const json& v, std::string_view f) { r.inputs = list_of(v, f, input_of); }},
    {"outputs",
     [](Request& r, const json& v, std::string_view f) { r.outputs = list_of(v, f, path_of); }},
    {"environment",
     [](Request& r, const json& v, std::string_view f) { r.environment = environment_of(v, f); }},
    {"after",
     [](Request& r, const json& v, std::string_view f) { r.after = list_of(v, f, word_of); }},
    {"notify",
     [](Request& r, const json& v, std::string_view f) { r.notify = list_of(v, f, notice_of); }},
    {"attempts",
     [](Request& r, const json& v, std::string_view f) {
       r.attempts = static_cast<int>(number_of(v, f, most_attempts));
       if (r.attempts < 1) refuse(f, "must be 1 at least");
     }},
    {"key", [](Request& r, const json& v, std::string_view f) { r.key = line_of(v, f); }},
    {"group", [](Request& r, const json& v, std::string_view f) { r.group = word_of(v, f); }},
    {"group_size", [](Request& r, const json& v,
                      std::string_view f) { r.group_size = number_of(v, f, most_number); }},
    {"nodes",
     [](Request& r, const json& v, std::string_view f) { r.nodes = number_of(v, f, most_number); }},
    {"tasks",
     [](Request& r, const json& v, std::string_view f) { r.tasks = number_of(v, f, most_number); }},
    {"cores",
     [](Request& r, const json& v, std::string_view f) { r.cores = number_of(v, f, most_number); }},
    {"memory", [](Request& r, const json& v,
                  std::string_view f) { r.memory = number_of(v, f, most_number); }},
    {"gpus",
     [](Request& r, const json& v, std::string_view f) { r.gpus = number_of(v, f, most_number); }},
    {"seconds", [](Request& r, const json& v,
                   std::string_view f) { r.seconds = number_of(v, f, most_number); }},
    {"account", [](Request& r, const json& v, std::string_view f) { r.account = word_of(v, f); }},
    {"partition",
     [](Request& r, const json& v, std::string_view f) { r.partition = word_of(v, f); }},
    {"reservation",
     [](Request& r, const json& v, std::string_view f) { r.reservation = word_of(v, f); }},
    {"directives",
     [](Request& r, const json& v, std::string_view f) { r.directives = list_of(v, f, line_of); }},
    {"note", [](Request& r, const json& v, std::string_view) { r.note = v.dump(); }},
};

}  // namespace

void check_depth(std::string_view text) {
  constexpr int deepest = 64;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > deepest)
        throw Error(Kind::value, format("the request is nested more than {} deep", deepest));
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

Request read_request(std::string_view text) {
  check_depth(text);
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) throw Error(Kind::value, "a job is asked for by a JSON object");
  Request request;
  for (const auto& [name, value] : object.items()) {
    const auto* field = std::find_if(std::begin(fields), std::end(fields),
                                     [&](const Field& f) { return f.name == name; });
    if (field == std::end(fields)) {
      std::string known;
      for (const Field& f : fields) known += (known.empty() ? "" : ", ") + std::string(f.name);
      refuse(name, "there is no such field of a job", format("the fields are {}", known));
    }
    field->read(request, value, name);
  }
  if (request.command.empty() || request.command.front().empty())
    refuse("command", "names no program");
  if (request.nodes < 1) refuse("nodes", "must be 1 at least");
  return request;
}

}  // namespace jetlag::jobs
