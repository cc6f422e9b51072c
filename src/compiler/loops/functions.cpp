// Functions of the program that only compute with numbers: a version for each kinds of arguments.
#include <algorithm>

#include "compiler/loops/specialiser.h"

namespace jetlag::loops {

namespace {

constexpr std::size_t most_versions = 12;

}  // namespace

int Functions::find(const plan::Function& function, const std::vector<Kind>& arguments) {
  for (std::size_t i = 0; i < made_.size(); ++i) {
    if (made_[i]->function == &function && made_[i]->arguments == arguments)
      return static_cast<int>(i);
  }
  if (made_.size() >= most_versions) throw Declined{"it calls functions in too many ways"};
  auto version = std::make_unique<Version>();
  version->function = &function;
  version->arguments = arguments;
  version->flat = flatten(*request_.plan, function);
  if (!version->flat->usable) throw Declined{"it calls a function that others look into"};
  Request& r = version->request;
  r.wanted = request_.wanted;
  r.careful = request_.wanted != 0;  // a condition in a function fails the call
  r.plan = request_.plan;
  r.kinds.resize(static_cast<std::size_t>(version->flat->slots + version->flat->captures));
  for (std::size_t i = 0; i < arguments.size(); ++i)
    r.kinds[static_cast<std::size_t>(function.params[i].slot)] = arguments[i];
  made_.push_back(std::move(version));
  Version& kept = *made_.back();
  kept.maker = std::make_unique<Specialiser>(*kept.flat, kept.request, *this, Kind{});
  return static_cast<int>(made_.size()) - 1;
}

std::size_t Functions::known() const {
  return static_cast<std::size_t>(std::count_if(made_.begin(), made_.end(), [](const auto& v) {
    return v->maker && v->maker->result_kind().has_value();
  }));
}

void Functions::complete(Specialiser* main) {
  for (bool some = true; some;) {
    some = main && main->advance();
    for (std::size_t i = 0; i < made_.size(); ++i) some = made_[i]->maker->advance() || some;
  }
  bool waits = main && main->waits();
  for (const auto& v : made_) waits = waits || v->maker->waits();
  if (waits) throw Declined{"a function calls itself on every way"};
}

std::vector<std::shared_ptr<const Program>> Functions::finish() {
  std::vector<std::shared_ptr<const Program>> programs;
  for (const auto& v : made_) programs.push_back(v->maker->finish());
  return programs;
}

void Specialiser::call_function() {
  const plan::Op& op = *node().op;
  std::vector<Kind> kinds;
  Call call;
  for (const Val& v : arguments()) {
    if (!v.kind.is_number()) decline("it calls a function with something else than numbers");
    kinds.push_back(v.kind.is(ValueKind::scalar) ? scalar_kind(v.kind.dtype)
                                                 : python_kind(v.kind.kind));
    call.arguments.push_back(v.value);
    if (v.kind.is_complex_number()) call.arguments.push_back(v.imaginary);
  }
  if (kinds.size() != op.function->params.size()) decline("it calls a function with defaults");
  call.function = functions_.find(*op.function, kinds);
  const std::optional<Kind>& gives = functions_.result(call.function);
  if (!gives) throw Postponed{};
  out_->calls.push_back(std::move(call));
  const Kind k = *gives;
  Val made{k, emit({.what = Do::invoke,
                    .dtype = part_of(k),
                    .index = static_cast<int>(out_->calls.size()) - 1,
                    .axis = exit_here()})};
  if (k.is_complex_number())
    made.imaginary = emit({.what = Do::imaginary, .dtype = DType::float64, .a = made.value});
  result(made);
}

// ---- the two ways in ---------------------------------------------------------------------

namespace {

Outcome once(const Flat& flat, const Request& request) {
  Functions functions(request);
  Specialiser main(flat, request, functions);
  functions.complete(&main);
  const std::shared_ptr<Program> program = main.finish();
  program->functions = functions.finish();
  return {program, {}};
}

}  // namespace

Outcome specialise(const Flat& flat, const Request& request) {
  try {
    try {
      try {
        return once(flat, request);
      } catch (const NeedsNotes&) {
        Request noting = request;
        noting.noting = true;
        return once(flat, noting);
      }
    } catch (const NeedsCare&) {
      Request careful = request;
      careful.careful = true;
      return once(flat, careful);
    }
  } catch (const Declined& declined) {
    return {nullptr, declined.why};
  }
}

Outcome specialise(const plan::Function& function, const Request& request) {
  try {
    Functions functions(request);
    functions.find(function, request.kinds);
    functions.complete(nullptr);
    auto programs = functions.finish();
    auto entered = std::make_shared<Program>(*programs.front());
    entered->functions = std::move(programs);
    return {entered, {}};
  } catch (const Declined& declined) {
    return {nullptr, declined.why};
  }
}

}  // namespace jetlag::loops
