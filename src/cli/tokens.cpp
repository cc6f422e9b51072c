// jetlag token: who may ask a server of jobs from elsewhere, and until when.
#include <CLI/CLI.hpp>

#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/asking.h"
#include "cli/commands.h"

namespace jetlag::cli {

namespace {

using nlohmann::json;

struct TokenOptions {
  std::string user, token, folder, address;
  std::string time = "30-00:00:00";
  bool as_json = false;
};

TokenOptions given;
std::function<int()> chosen;

json ask(const std::string& method, const std::string& path, const std::string& body = {}) {
  return json::parse(ask_jobs(given.folder, method, path, body).body);
}

void print(const json& value) { std::cout << value.dump(2) << '\n'; }

int make() {
  const json made = ask("POST", "/v1/tokens",
                        json{{"user", given.user}, {"seconds", seconds_of(given.time)}}.dump());
  const std::string secret = made["token"];
  if (given.as_json) {
    print(made);
  } else if (given.address.empty()) {
    std::cout << secret << '\n';
  } else {
    const bool ends = given.address.ends_with('/');
    std::cout << format("{}{}?token={}\n", given.address, ends ? "" : "/", secret);
  }
  return 0;
}

int list() {
  const json tokens = ask("GET", "/v1/tokens");
  if (given.as_json) {
    print(tokens);
    return 0;
  }
  if (tokens.empty()) std::cout << "no tokens; `jetlag token make NAME` makes one\n";
  for (const json& t : tokens) {
    std::cout << format("{}  {:<16}  {:<7}  until {}  last used {}\n", t["id"].get<std::string>(),
                        t["user"].get<std::string>(), t["state"].get<std::string>(),
                        clock_text(t["expires"]), clock_text(t["used"]));
  }
  return 0;
}

int revoke() {
  const json token = ask("DELETE", "/v1/tokens/" + http::encoded(given.token));
  if (given.as_json) print(token);
  return 0;
}

CLI::App* add(CLI::App* parent, const char* name, const char* what, int (*run)()) {
  CLI::App* command = parent->add_subcommand(name, what);
  command->add_flag("--json", given.as_json, "as JSON");
  command->add_option("--jobs", given.folder, "the folder of jobs (default: the setting jobs_dir)");
  command->callback([run] { chosen = run; });
  return command;
}

}  // namespace

void add_token_commands(CLI::App& app) {
  CLI::App* tokens = app.add_subcommand("token", "let users ask `jetlag serve --users`");
  tokens->require_subcommand(1);
  CLI::App* c = add(tokens, "make", "make a token, and print it this once", make);
  c->add_option("user", given.user, "whose jobs it opens")->required();
  c->add_option("--time", given.time, "how long it opens them: [days-]hours:minutes:seconds");
  c->add_option("--at", given.address,
                "the server's address: prints what the user sets as JETLAG_JOBS_SERVER");
  add(tokens, "list", "list the tokens, without their secrets", list);
  c = add(tokens, "revoke", "let nobody in with a token any more", revoke);
  c->add_option("token", given.token, "its id, or the beginning of it")->required();
}

int run_token_command() { return chosen ? chosen() : -1; }

}  // namespace jetlag::cli
