// The command `jetlag`: runs and shows PhySL programs, and prints the tables.
#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>
#include <sstream>

#include "base/settings.h"
#include "cli/commands.h"
#include "compiler/jit/kernels.h"

namespace {

// Nothing is compiled any more when the process ends.
struct Finish {
  ~Finish() { jetlag::jit::finish(); }
};

// jetlag counters list, jetlag counters read.
struct CountersCommands {
  CLI::App* list;
  CLI::App* read;
};

CountersCommands add_counters(CLI::App& app, jetlag::cli::Options& options) {
  CLI::App* counters = app.add_subcommand("counters", "list and read counters of this machine");
  counters->require_subcommand(1);
  CLI::App* listed = counters->add_subcommand("list", "what there is, and what is missing and why");
  CLI::App* read = counters->add_subcommand("read", "print the values of counters");
  for (CLI::App* command : {listed, read}) {
    command->add_option("patterns", options.arguments,
                        "names, where * stands for any text: /proc{*}/*; @rate behind a name gives "
                        "the growth a second");
    command->add_flag("--json", options.json, "one line of JSON for each counter");
  }
  read->add_option("-e,--every", options.every, "seconds between reads")
      ->check(CLI::Range(0.001, 1e6));
  read->add_option("-n,--times", options.times, "how many reads; 0: until it is interrupted")
      ->check(CLI::NonNegativeNumber);
  return {listed, read};
}

// jetlag serve, jetlag view.
struct ServeCommands {
  CLI::App* serve;
  CLI::App* view;
};

ServeCommands add_serve(CLI::App& app, jetlag::cli::ServeOptions& options) {
  CLI::App* serve = app.add_subcommand("serve", "serve traces and jobs over HTTP, with the viewer");
  serve->add_option("places", options.places, "trace files, and folders of them (default: here)");
  CLI::App* view = app.add_subcommand("view", "show traces in the browser");
  view->add_option("traces", options.places, "trace files, and folders of them")->required();
  view->add_option("-o,--output", options.output, "write one HTML file that needs no server");
  for (CLI::App* command : {serve, view}) {
    command->add_option("-p,--port", options.port, "a port (default: a free one)")
        ->check(CLI::Range(0, 65535));
    command->add_option("--allow-host", options.hosts, "a name under which a proxy asks");
  }
  serve->add_flag("--users", options.users, "let users in, by the tokens of `jetlag token make`");
  serve->add_option("--address", options.address,
                    "where to listen, with --users (default: 127.0.0.1)");
  serve->add_option("--socket", options.socket, "a Unix socket instead, for its owner alone");
  serve->add_option("--jobs", options.jobs, "the folder of jobs (default: the setting jobs_dir)");
  serve->add_flag("--no-jobs", options.no_jobs, "only traces");
  serve->add_flag("--background", options.background,
                  "only jobs, as a process of its own, unless one is there");
  serve->add_flag("--with-input", options.with_input, "end when standard input ends");
  return {serve, view};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace jetlag;
  const Finish finish;
  CLI::App app{"jetlag: PhySL programs as asynchronous tasks"};
  app.require_subcommand(1);
  cli::Options options;

  CLI::App* run = app.add_subcommand("run", "run a PhySL program and print its value");
  run->add_option("program", options.file, "a .physl file");
  run->add_option("arguments", options.arguments, "what the program sees as sys_argv");
  run->add_option("-c,--code", options.code, "the program itself");
  run->add_option("-t,--threads", options.threads, "workers (default: one for each core)");
  run->add_option("--trace", options.trace, "record the run into this file");

  CLI::App* profile = app.add_subcommand("profile", "print where the time of a trace went");
  profile
      ->add_option("traces", options.files,
                   "a file that jl.trace or run --trace wrote; of several, each is a rank")
      ->required();
  profile->add_option("-s,--sort", options.sort,
                      "self, total, count, median, most, bytes, flops or name");
  profile->add_option("-f,--filter", options.filter, "only sites that hold this text");
  profile->add_option("-n,--rows", options.rows, "how many rows at most; 0 for all");
  profile->add_flag("--tree", options.tree, "the tree of calls");

  CLI::App* traces = app.add_subcommand("trace", "write traces for other tools, read theirs");
  traces->require_subcommand(1);
  CLI::App* exported = traces->add_subcommand("export", "write a trace in another format");
  exported
      ->add_option("traces", options.files,
                   "a trace of any format that is read; of several, each is a rank")
      ->required();
  exported->add_option("--to", options.to, "the format: `jetlag describe formats` lists them")
      ->required();
  exported->add_option("-o,--output", options.output, "the file to write")->required();

  CLI::App* imported = traces->add_subcommand("import", "make a trace file from another tool's");
  imported->add_option("archive", options.file, "an OTF2 archive: its folder or anchor")
      ->required();
  imported->add_option("-o,--output", options.output, "the file to write")->required();

  const CountersCommands counters = add_counters(app, options);
  cli::ServeOptions serve_options;
  const ServeCommands servers = add_serve(app, serve_options);
  cli::add_job_commands(app);

  CLI::App* show = app.add_subcommand("show", "print a program as physl, tree or plan");
  show->add_option("what", options.what, "physl, tree or plan")
      ->required()
      ->check(CLI::IsMember({"physl", "tree", "plan"}));
  show->add_option("program", options.file, "FILE.physl, or FILE.py[:FUNCTION]");
  show->add_option("-c,--code", options.code, "the program itself");
  show->add_option("-f,--format", options.format, "of a tree: text, dot or newick")
      ->check(CLI::IsMember({"text", "dot", "newick"}));
  show->add_flag("--tags", options.tags, "with $line$column behind names");

  CLI::App* describe = app.add_subcommand("describe", "print a table of the program as JSON");
  describe
      ->add_option("table", options.what, "a table; or what the server answers: api, typescript")
      ->required()
      ->check(CLI::IsMember({"primitives", "errors", "passes", "policies", "rules", "settings",
                             "strategies", "formats", "routes", "api", "typescript"}));

  CLI::App* cache = app.add_subcommand("cache", "list or clear the object code kept on disk");
  cache->add_option("what", options.what, "list or clear")
      ->required()
      ->check(CLI::IsMember({"list", "clear"}));

  CLI::App* tune = app.add_subcommand("tune", "list or clear what tuning found, kept on disk");
  tune->add_option("what", options.what, "list or clear")
      ->required()
      ->check(CLI::IsMember({"list", "clear"}));

  CLI11_PARSE(app, argc, argv);
  try {
    check_environment();
    if (const int code = cli::run_job_command(); code >= 0) return code;
    if (run->parsed()) return cli::run(options);
    if (show->parsed()) return cli::show(options);
    if (cache->parsed()) return cli::cache(options);
    if (tune->parsed()) return cli::tune(options);
    if (exported->parsed()) return cli::export_trace(options);
    if (imported->parsed()) return cli::import_trace(options);
    if (profile->parsed()) return cli::profile(options);
    serve_options.opens = servers.view->parsed();
    if (servers.view->parsed()) return cli::view(serve_options);
    if (servers.serve->parsed()) return cli::serve(serve_options);
    if (counters.list->parsed()) return cli::list_counters(options);
    if (counters.read->parsed()) return cli::read_counters(options);
    return cli::describe(options);
  } catch (Error& error) {
    std::cerr << error.report() << '\n';
    return jetlag::describe(error.kind()).exit_code;
  } catch (const std::bad_alloc&) {
    std::cerr << "memory: out of memory\n";
    return jetlag::describe(Kind::memory).exit_code;
  }
}
