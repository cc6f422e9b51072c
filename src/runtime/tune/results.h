// What tuning found, on disk, from process to process: a file for each key in
// the folder `tuned` of the setting cache_dir. Files are written aside and
// renamed, so that processes and crashes cannot disturb each other; whatever
// is wrong with a file only means that it is not there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jetlag::tune {

// What a result is good for. Each part is one line of text.
struct Key {
  std::string machine;
  std::string program;
  std::string shapes;
};

// The processor and what of it this process may use.
std::string this_machine();

// The text kept under the key, if there is one that is whole and of this version.
std::optional<std::string> load_result(const Key& key);
// Throws Error(io) if the folder or the disk does not take it; what was kept before stays.
void store_result(const Key& key, std::string_view text);

struct Result {
  std::string file;
  Key key;
  std::string text;  // empty if the file is damaged or of another version
  std::int64_t bytes = 0;
  std::int64_t age_s = 0;
};
// Newest first.
std::vector<Result> list_results();
// How many files were removed. Throws Error(io) if one cannot be.
std::int64_t clear_results();
std::string results_folder();  // empty if there is none

}  // namespace jetlag::tune
