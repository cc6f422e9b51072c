// Routes of jobs: asked for, watched, stopped; their logs and files; the machines that they run on.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/crypto/digest.h"
#include "jobs/queue/engine.h"
#include "server/routes/tables.h"
#include "server/routes/traces.h"

namespace jetlag::routes {

namespace {

using nlohmann::json;

constexpr std::uint64_t most_request = 16 << 20;
constexpr std::uint64_t most_blob = std::uint64_t{1} << 44;
constexpr std::int64_t most_log = 8 << 20;
constexpr std::int64_t longest_wait = 30;  // seconds
constexpr std::size_t piece = 1 << 20;

// What a job last told by jl.progress, or null.
json last_progress(const std::string& folder) {
  constexpr std::int64_t longest = 4096;
  std::ifstream in(folder + "/progress", std::ios::binary | std::ios::ate);
  if (!in) return nullptr;
  const std::int64_t size = in.tellg();
  in.seekg(std::max<std::int64_t>(size - longest, 0));
  json last;
  for (std::string line; std::getline(in, line);) {
    json told = json::parse(line, nullptr, false);
    if (told.is_object()) last = std::move(told);
  }
  return last;
}

jobs::Engine& engine_of(App& app) {
  if (!app.jobs)
    throw http::HttpError(404, "jobs", "this server keeps no jobs",
                          "start it with --jobs, or ask the one that does");
  app.jobs->asked();
  return *app.jobs;
}

// The job that a request names, among those that its user may see.
jobs::Job job_of(jobs::Engine& engine, const http::Request& request) {
  return engine.store().get(std::string(request.part(0)), request.user);
}

// A job as clients see it: what is kept, and what its folder adds.
std::string text_of(const jobs::Engine& engine, const jobs::Job& job) {
  const std::string folder = engine.folder(job);
  const std::string complaint = engine.complaint();
  std::string text;
  if (complaint.empty() || jobs::describe(job.life.state).final) {
    text = jobs::to_json(job, folder);
  } else {
    jobs::Job waiting = job;
    waiting.reason = complaint;
    text = jobs::to_json(waiting, folder);
  }
  json more = {{"progress", nullptr}, {"trace", nullptr}};
  if (job.life.state == jobs::State::running) more["progress"] = last_progress(folder);
  std::error_code none;
  if (std::filesystem::exists(folder + "/files/trace.jlt", none))
    more["trace"] = trace_of_job(job.id, job.life.attempt);
  text.back() = ',';
  return text + more.dump(-1, ' ', false, json::error_handler_t::replace).substr(1);
}

http::Response answer(const jobs::Engine& engine, const jobs::Job& job) {
  return http::Response::json(text_of(engine, job));
}

http::Response submit(App& app, const http::Request& request) {
  jobs::Engine& engine = engine_of(app);
  http::Response response = answer(engine, engine.submit(request.body, request.user));
  response.status = 201;
  return response;
}

http::Response list(App& app, const http::Request& request) {
  jobs::Engine& engine = engine_of(app);
  jobs::Filter filter;
  filter.user = request.user;
  if (const std::string_view state = request.parameter("state"); !state.empty()) {
    filter.state = jobs::state_named(state);
    if (!filter.state) throw Error(Kind::value, format("there is no state '{}'", state));
  }
  filter.machine = request.parameter("machine");
  filter.text = request.parameter("text");
  filter.before = request.number("before", 0, 0);
  filter.limit = request.number("limit", 100, 1, 10'000);
  std::string rows;
  for (const jobs::Job& job : engine.store().list(filter))
    rows += (rows.empty() ? "" : ",") + text_of(engine, job);
  return http::Response::json("[" + rows + "]");
}

// Server-sent events: `list` says that the list is to be asked for now, `job` has a job that has
// changed.
http::Response events(App& app, const http::Request& request) {
  jobs::Engine& engine = engine_of(app);
  http::Response response;
  response.type = "text/event-stream";
  response.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  response.stream = [&engine, user = request.user,
                     since = std::int64_t{-1}](const http::Sink& sink) mutable {
    constexpr double moment = 0.9;
    if (since < 0) {
      since = engine.moment();
      return sink(http::event("list", "{}"));
    }
    engine.asked();
    const jobs::Engine::Changes changes = engine.changes(since, moment);
    since = changes.moment;
    std::string text = changes.forgotten ? http::event("list", "{}") : "";
    for (const std::string& id : changes.ids) {
      const jobs::Job job = engine.store().get(id);
      if (user.empty() || job.user == user) text += http::event("job", text_of(engine, job));
    }
    return sink(text.empty() ? ":\n\n" : text);
  };
  return response;
}

http::Response show(App& app, const http::Request& request) {
  jobs::Engine& engine = engine_of(app);
  const jobs::Job job = job_of(engine, request);
  const auto seconds = static_cast<double>(request.number("wait", 0, 0, longest_wait));
  if (seconds == 0) return answer(engine, job);
  return answer(engine, engine.wait(job.id, request.number("changes", 0), seconds));
}

http::Response history(App& app, const http::Request& request) {
  jobs::Engine& engine = engine_of(app);
  const std::string id = job_of(engine, request).id;
  return http::Response::json(
      jobs::to_json(engine.store().history(id), engine.store().messages(id)));
}

http::Response cancel(App& app, const http::Request& request) {
  jobs::Engine& engine = engine_of(app);
  return answer(engine, engine.cancel(job_of(engine, request).id));
}

http::Response resubmit(App& app, const http::Request& request) {
  jobs::Engine& engine = engine_of(app);
  http::Response response = answer(engine, engine.resubmit(job_of(engine, request).id));
  response.status = 201;
  return response;
}

http::Response find_key(App& app, const http::Request& request) {
  jobs::Engine& engine = engine_of(app);
  const auto job = engine.store().finished_with(std::string(request.part(0)), request.user);
  if (!job) throw http::HttpError(404, "key", "no job with this key has finished");
  return answer(engine, *job);
}

http::Response log(App& app, const http::Request& request) {
  jobs::Engine& engine = engine_of(app);
  const auto seconds = static_cast<double>(request.number("wait", 0, 0, longest_wait));
  return http::Response::bytes(engine.log(job_of(engine, request).id, std::string(request.part(1)),
                                          request.number("from", 0),
                                          request.number("most", most_log, 1, most_log), seconds));
}

// The path of a file that a job has left: inside its folder, whatever is asked for.
std::filesystem::path path_of(const jobs::Engine& engine, const jobs::Job& job,
                              std::string_view name) {
  namespace fs = std::filesystem;
  std::error_code odd;  // a name that no file can have
  const fs::path folder = fs::weakly_canonical(engine.folder(job) + "/files", odd);
  const fs::path path = fs::weakly_canonical(folder / fs::path(name).relative_path(), odd);
  const auto end = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first;
  if (odd || end != folder.end() || !fs::is_regular_file(path, odd))
    throw http::HttpError(404, "file", format("job {} has left no file of that name", job.id));
  return path;
}

http::Response files(App& app, const http::Request& request) {
  namespace fs = std::filesystem;
  jobs::Engine& engine = engine_of(app);
  const jobs::Job job = job_of(engine, request);
  const fs::path folder = engine.folder(job) + "/files";
  json rows = json::array();
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(folder, none)) {
    if (!entry.is_regular_file()) continue;
    rows.push_back(
        {{"name", entry.path().lexically_relative(folder).string()}, {"bytes", entry.file_size()}});
  }
  return http::Response::json(rows.dump(-1, ' ', false, json::error_handler_t::replace));
}

http::Response file(App& app, const http::Request& request) {
  jobs::Engine& engine = engine_of(app);
  const jobs::Job job = job_of(engine, request);
  auto in = std::make_shared<std::ifstream>(path_of(engine, job, request.parameter("name")),
                                            std::ios::binary);
  http::Response response;
  response.type = "application/octet-stream";
  response.stream = [in, buffer = std::string(piece, '\0')](const http::Sink& sink) mutable {
    in->read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto n = static_cast<std::size_t>(in->gcount());
    return n > 0 && sink({buffer.data(), n});
  };
  return response;
}

std::string digest_of(const http::Request& request) {
  std::string digest(request.part(0));
  if (digest.size() != 64 || digest.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw Error(Kind::value, "a file is named by its digest of 64 hexadecimal digits");
  return digest;
}

// Whether a file need not be brought. That somebody else has brought it is not told.
http::Response has_blob(App& app, const http::Request& request) {
  jobs::Store& store = engine_of(app).store();
  const std::string digest = digest_of(request);
  std::error_code none;
  const auto bytes = std::filesystem::file_size(store.folder() + "/blobs/" + digest, none);
  if (none || (!request.user.empty() && !store.users().has_brought(request.user, digest)))
    throw http::HttpError(404, "key", "the store has no file with this digest", "bring it");
  return http::Response::json(json{{"bytes", bytes}}.dump());
}

// A file for jobs to begin with: named by its digest, which is checked while it comes.
http::Response keep_blob(App& app, const http::Request& request) {
  jobs::Engine& engine = engine_of(app);
  const std::string digest = digest_of(request);
  const std::string path = engine.store().folder() + "/blobs/" + digest;
  const std::string part = path + "." + crypto::random_hex(4);
  crypto::FileDigest sum;
  std::ofstream out(part, std::ios::binary);
  const bool whole = request.receive && request.receive([&](std::string_view bytes) {
    sum.update(bytes);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return static_cast<bool>(out);
  });
  out.close();
  const bool written = static_cast<bool>(out);
  if (!whole || !written || sum.finish() != digest) {
    unlink(part.c_str());
    if (!written)
      throw Error(Kind::io, format("cannot write {}: {}", part, std::strerror(errno)),
                  "make room on that disk");
    throw http::HttpError(400, "digest", "what came is not what its digest says", "send it again");
  }
  if (rename(part.c_str(), path.c_str()) != 0)
    throw Error(Kind::io, format("cannot write {}: {}", path, std::strerror(errno)));
  if (!request.user.empty()) engine.store().users().brought(request.user, digest);
  return http::Response::json("{}");
}

http::Response machines(App& app, const http::Request&) {
  jobs::Engine& engine = engine_of(app);
  std::string rows;
  bool has_local = false;
  for (const auto& [name, text] : engine.store().machines()) {
    rows += (rows.empty() ? "" : ",") + text;
    has_local |= name == "local";
  }
  if (!has_local) rows = engine.machine_text("local") + (rows.empty() ? "" : ",") + rows;
  return http::Response::json("[" + rows + "]");
}

http::Response add_machine(App& app, const http::Request& request) {
  return http::Response::json(engine_of(app).add_machine(request.body));
}

http::Response machine(App& app, const http::Request& request) {
  return http::Response::json(engine_of(app).machine_text(std::string(request.part(0))));
}

http::Response forget_machine(App& app, const http::Request& request) {
  engine_of(app).forget_machine(std::string(request.part(0)));
  return http::Response::json("{}");
}

json json_of(const jobs::Token& token) {
  const char* state = token.revoked > 0                    ? "revoked"
                      : token.expires <= jobs::unix_time() ? "expired"
                                                           : "good";
  return {{"id", token.id},           {"user", token.user},       {"state", state},
          {"created", token.created}, {"expires", token.expires}, {"revoked", token.revoked},
          {"used", token.used}};
}

http::Response tokens(App& app, const http::Request&) {
  json rows = json::array();
  for (const jobs::Token& t : engine_of(app).store().users().tokens()) rows.push_back(json_of(t));
  return http::Response::json(rows.dump());
}

http::Response make_token(App& app, const http::Request& request) {
  const json asked = json::parse(request.body, nullptr, false);
  if (!asked.is_object() || !asked.contains("user") || !asked["user"].is_string() ||
      !asked.contains("seconds") || !asked["seconds"].is_number())
    throw Error(Kind::value, R"(a token is asked for by {"user": NAME, "seconds": NUMBER})");
  const auto [secret, token] = engine_of(app).store().users().make_token(
      asked["user"].get<std::string>(), asked["seconds"].get<double>());
  json made = json_of(token);
  made["token"] = secret;
  http::Response response = http::Response::json(made.dump());
  response.status = 201;
  return response;
}

http::Response revoke_token(App& app, const http::Request& request) {
  return http::Response::json(
      json_of(engine_of(app).store().users().revoke(std::string(request.part(0)))).dump());
}

constexpr auto token = http::Access::token;
constexpr auto owner = http::Access::owner;
constexpr http::Body small{most_request, false};

constexpr Route table[] = {
    {"GET", "/v1/jobs", "jobs, the newest first: state=, machine=, text=, before=, limit=", "Job[]",
     token, list},
    {"POST", "/v1/jobs", "ask for a job", "Job", token, submit, small},
    {"GET", "/v1/jobs/events", "jobs as they change, as server-sent events", "text/event-stream",
     token, events},
    {"GET", "/v1/jobs/{job}", "a job; with wait= and changes=, once it has changed", "Job", token,
     show},
    {"GET", "/v1/jobs/{job}/history", "what happened to a job, and the messages that told of it",
     "JobHistory", token, history},
    {"POST", "/v1/jobs/{job}/cancel", "stop a job", "Job", token, cancel, small},
    {"POST", "/v1/jobs/{job}/resubmit", "ask for the same once more", "Job", token, resubmit,
     small},
    {"GET", "/v1/jobs/{job}/log/{name}",
     "stdout, stderr, progress or script.log, from a byte on: from=, most=, wait=",
     "application/octet-stream", token, log},
    {"GET", "/v1/jobs/{job}/files", "the files that are in a job's folder here", "JobFile[]", token,
     files},
    {"GET", "/v1/jobs/{job}/file", "one of them: name=", "application/octet-stream", token, file},
    {"GET", "/v1/results/{key}", "the last job that finished with this key", "Job", token,
     find_key},
    {"GET", "/v1/blobs/{digest}", "whether a file is there already", "Kept", token, has_blob},
    {"PUT",
     "/v1/blobs/{digest}",
     "bring a file that jobs begin with",
     "Nothing",
     token,
     keep_blob,
     {most_blob, true}},
    {"GET", "/v1/machines", "the machines that are known", "Record<string, unknown>[]", token,
     machines},
    {"POST", "/v1/machines", "look at a machine, and keep what was found",
     "Record<string, unknown>", owner, add_machine, small},
    {"GET", "/v1/machines/{machine}", "a machine", "Record<string, unknown>", token, machine},
    {"DELETE", "/v1/machines/{machine}", "forget a machine", "Nothing", owner, forget_machine,
     small},
    {"GET", "/v1/tokens", "the tokens of users, without their secrets", "Token[]", owner, tokens},
    {"POST", "/v1/tokens", "make one, whose secret is told now and never again", "Token", owner,
     make_token, small},
    {"DELETE", "/v1/tokens/{token}", "let nobody in with it any more", "Token", owner, revoke_token,
     small},
};

}  // namespace

std::span<const Route> job_routes() { return table; }

void let_users_in(App& app) {
  app.gate.set_users([jobs = app.jobs](std::string_view token) {
    const jobs::Holder holder = jobs->store().users().holder_of(token);
    if (holder.user.empty()) throw http::HttpError(401, "token", holder.refusal, holder.hint);
    return holder.user;
  });
}

}  // namespace jetlag::routes
