// The commands behind the subcommands; each returns the exit code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace CLI {
class App;
}

namespace jetlag::cli {

struct Options {
  std::string file;
  std::vector<std::string> files;  // of the ranks of a run
  std::string code;
  std::string what;
  std::string format = "text";
  std::vector<std::string> arguments;
  int threads = 0;
  bool tags = false;
  std::string trace;  // of run: the file to record into
  std::string sort = "self";
  std::string filter;
  int rows = 30;
  bool tree = false;
  std::string to;  // of trace export: the format
  std::string output;
  bool json = false;       // of counters
  double every = 1;        // of counters read: seconds
  std::int64_t times = 1;  // the same: how many reads; 0: without end
};

struct ServeOptions {
  std::vector<std::string> places;  // trace files, and folders of them
  int port = 0;
  std::string socket;
  std::string address = "127.0.0.1";
  std::vector<std::string> hosts;  // names under which a proxy hands requests over
  bool users = false;              // lets users in, by tokens
  bool with_input = false;         // end when standard input does
  bool opens = false;              // the page, in the user's browser
  std::string output;              // of view: a file to write instead
  std::string jobs;                // the store of jobs; empty: the setting jobs_dir
  bool no_jobs = false;
  bool background = false;  // only for jobs, as a process of its own, unless there is one
};
int serve(const ServeOptions& options);
int view(const ServeOptions& options);

// The commands about jobs, and about tokens: they add themselves, and run if they were parsed; -1
// if none was.
void add_job_commands(CLI::App& app);
int run_job_command();
void add_token_commands(CLI::App& app);
int run_token_command();

int run(const Options& options);
int show(const Options& options);
int describe(const Options& options);
int cache(const Options& options);
int tune(const Options& options);
int profile(const Options& options);
int export_trace(const Options& options);
int import_trace(const Options& options);
int list_counters(const Options& options);
int read_counters(const Options& options);

}  // namespace jetlag::cli
