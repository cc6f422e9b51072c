#include "runtime/tune/results.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "../error_of.h"
#include "base/settings.h"

namespace jetlag::tune {
namespace {

namespace fs = std::filesystem;

// A cache folder of its own.
class TuneResults : public testing::Test {
 protected:
  void SetUp() override {
    before_ = setting("cache_dir");
    folder_ = fs::temp_directory_path() / format("jetlag-tune-{}", getpid());
    fs::remove_all(folder_);
    set_setting("cache_dir", folder_.string());
  }
  void TearDown() override {
    set_setting("cache_dir", before_);
    fs::remove_all(folder_);
  }

  std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    if (!fs::exists(folder_ / "tuned")) return all;
    for (const auto& entry : fs::directory_iterator(folder_ / "tuned")) all.push_back(entry.path());
    return all;
  }

  static std::string contents(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  static void write(const fs::path& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
  }

  const Key key_{"a machine", "a program", "f64[2^10]"};
  fs::path folder_;
  std::string before_;
};

TEST_F(TuneResults, AreFoundByTheirWholeKey) {
  store_result(key_, "tile=8\nand more");

  EXPECT_EQ(load_result(key_), "tile=8\nand more");
  EXPECT_EQ(load_result({"b", key_.program, key_.shapes}), std::nullopt);
  EXPECT_EQ(load_result({key_.machine, "b", key_.shapes}), std::nullopt);
  EXPECT_EQ(load_result({key_.machine, key_.program, "b"}), std::nullopt);
}

TEST_F(TuneResults, TheLastOneStands) {
  store_result(key_, "first");
  store_result(key_, "second");

  EXPECT_EQ(load_result(key_), "second");
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(TuneResults, EveryDamagedFileIsIgnoredAndWrittenAnew) {
  store_result(key_, "tile=8");
  const fs::path file = files().at(0);
  const std::string whole = contents(file);

  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] ^= 0x10;
    write(file, damaged);
    EXPECT_EQ(load_result(key_), std::nullopt) << "byte " << i;
    write(file, whole.substr(0, i));
    EXPECT_EQ(load_result(key_), std::nullopt) << "length " << i;
  }
  store_result(key_, "tile=8");

  EXPECT_EQ(contents(file), whole);
}

TEST_F(TuneResults, AnotherVersionIsIgnored) {
  store_result(key_, "tile=8");
  const fs::path file = files().at(0);
  std::string other = contents(file);
  other.replace(0, 14, "jetlag tuned 2");
  write(file, other);

  EXPECT_EQ(load_result(key_), std::nullopt);
  EXPECT_EQ(list_results().at(0).text, "");
}

TEST_F(TuneResults, AFileUnderAnotherNameIsNotTakenForIts) {
  store_result(key_, "tile=8");
  const fs::path mine = files().at(0);
  const Key other{"a machine", "another", "f64[2^10]"};
  store_result(other, "tile=9");
  for (const fs::path& file : files()) {
    if (file != mine) fs::copy_file(mine, file, fs::copy_options::overwrite_existing);
  }

  EXPECT_EQ(load_result(other), std::nullopt);
}

TEST_F(TuneResults, AFolderThatCannotBeWrittenIsNamed) {
  set_setting("cache_dir", "/proc/self");

  EXPECT_EQ(load_result(key_), std::nullopt);
  EXPECT_EQ(error_of([&] { store_result(key_, "tile=8"); }),
            "io: cannot write /proc/self/tuned: No such file or directory\n    hint: name another "
            "folder with jetlag.settings.cache_dir or JETLAG_CACHE_DIR");
}

TEST_F(TuneResults, AFullDiskLeavesWhatWasThere) {
  store_result(key_, "tile=8");
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100, 100};
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string error = error_of([&] { store_result(key_, std::string(1000, 'x')); });
    _exit(error.find("File too large") == std::string::npos);
  }
  int status = 0;
  waitpid(child, &status, 0);

  EXPECT_EQ(status, 0);
  EXPECT_EQ(load_result(key_), "tile=8");
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(TuneResults, ProcessesThatWriteAtOnceLeaveOneWholeFile) {
  std::vector<pid_t> children;
  for (int c = 0; c < 4; ++c) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    bool whole = true;
    for (int i = 0; i < 50; ++i) {
      store_result(key_, std::string(5000, static_cast<char>('a' + c)));
      const auto text = load_result(key_);
      whole = whole && text && *text == std::string(5000, text->at(0));
    }
    _exit(whole ? 0 : 1);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }

  EXPECT_EQ(files().size(), 1u);
}

TEST_F(TuneResults, WhatADeadProcessLeftGoesInTime) {
  store_result(key_, "tile=8");
  const fs::path old = files().at(0).string() + ".1.0";
  const fs::path fresh = files().at(0).string() + ".2.0";
  write(old, "half");
  write(fresh, "half");
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(2));

  store_result(key_, "tile=9");

  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(fresh));
}

TEST_F(TuneResults, OnlyTheNewestThousandAreKept) {
  fs::create_directories(folder_ / "tuned");
  for (int i = 0; i < 1001; ++i) {
    const fs::path file = folder_ / "tuned" / format("{:04}.tuned", i);
    write(file, "");
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(2000 - i));
  }

  store_result(key_, "tile=8");

  EXPECT_EQ(files().size(), 1000u);
  EXPECT_EQ(load_result(key_), "tile=8");
  EXPECT_FALSE(fs::exists(folder_ / "tuned" / "0001.tuned"));
  EXPECT_TRUE(fs::exists(folder_ / "tuned" / "0002.tuned"));
}

TEST_F(TuneResults, AreListedAndCleared) {
  store_result(key_, "tile=8");
  write(folder_ / "tuned" / "0.tuned", "damaged");

  const auto results = list_results();

  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].text + results[1].text, "tile=8");
  EXPECT_EQ(clear_results(), 2);
  EXPECT_TRUE(files().empty());
  EXPECT_EQ(clear_results(), 0);
}

TEST_F(TuneResults, WithoutAFolderNothingIsKept) {
  set_setting("cache_dir", "");

  store_result(key_, "tile=8");

  EXPECT_EQ(load_result(key_), std::nullopt);
  EXPECT_TRUE(list_results().empty());
}

TEST(TuneMachine, IsOneLineThatNamesTheProcessor) {
  const std::string machine = this_machine();

  EXPECT_EQ(machine.find('\n'), std::string::npos);
  EXPECT_NE(machine.find(" cores, caches of "), std::string::npos);
  EXPECT_EQ(machine, this_machine());
}

}  // namespace
}  // namespace jetlag::tune
