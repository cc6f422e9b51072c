// How fast an OTF2 archive is read: one as APEX writes them, with GUID and Parent GUID at each
// enter and leave. Prints JSON: events, and seconds of processor time of the import.
//
//   jetlag_bench_archives [events] [locations] [rounds]
//   jetlag_bench_archives [events] [locations] 0 FOLDER      only writes one there
#include <otf2/otf2.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "trace/formats/format.h"

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t regions = 50;

OTF2_FlushType flush(void*, OTF2_FileType, OTF2_LocationRef, void*, bool) { return OTF2_FLUSH; }

void write_location(OTF2_EvtWriter* w, std::uint64_t events, std::uint64_t first_guid) {
  OTF2_AttributeList* list = OTF2_AttributeList_New();
  const auto guids = [&](std::uint64_t guid) {
    OTF2_AttributeList_AddUint64(list, 0, guid);
    OTF2_AttributeList_AddUint64(list, 1, guid / 2);
  };
  std::uint64_t time = 1000;
  for (std::uint64_t i = 0; i < events / 2; ++i) {
    const auto region = static_cast<OTF2_RegionRef>(i * 7 % regions);
    guids(first_guid + i);
    OTF2_EvtWriter_Enter(w, list, time += 300, region);
    guids(first_guid + i);
    OTF2_EvtWriter_Leave(w, list, time += 1700, region);
  }
  OTF2_AttributeList_Delete(list);
}

void write_archive(const fs::path& folder, std::uint64_t events, std::uint64_t locations) {
  OTF2_Archive* a = OTF2_Archive_Open(folder.c_str(), "APEX", OTF2_FILEMODE_WRITE, 1 << 20, 4 << 20,
                                      OTF2_SUBSTRATE_POSIX, OTF2_COMPRESSION_NONE);
  const OTF2_FlushCallbacks callbacks = {.otf2_pre_flush = flush, .otf2_post_flush = nullptr};
  OTF2_Archive_SetFlushCallbacks(a, &callbacks, nullptr);
  OTF2_Archive_SetSerialCollectiveCallbacks(a);
  OTF2_Archive_OpenEvtFiles(a);
  const std::uint64_t each = events / locations;
  for (std::uint64_t l = 0; l < locations; ++l) {
    OTF2_EvtWriter* w = OTF2_Archive_GetEvtWriter(a, l);
    write_location(w, each, 1 + l * each);
    OTF2_Archive_CloseEvtWriter(a, w);
  }
  OTF2_Archive_CloseEvtFiles(a);
  OTF2_GlobalDefWriter* g = OTF2_Archive_GetGlobalDefWriter(a);
  OTF2_GlobalDefWriter_WriteClockProperties(g, 1'000'000'000, 0, each * 1000 + 2000,
                                            OTF2_UNDEFINED_TIMESTAMP);
  const char* texts[] = {"", "GUID", "Parent GUID", "solve", "solve.cpp", "host", "thread"};
  for (std::uint32_t i = 0; i < std::size(texts); ++i)
    OTF2_GlobalDefWriter_WriteString(g, i, texts[i]);
  OTF2_GlobalDefWriter_WriteAttribute(g, 0, 1, 0, OTF2_TYPE_UINT64);
  OTF2_GlobalDefWriter_WriteAttribute(g, 1, 2, 0, OTF2_TYPE_UINT64);
  for (std::uint32_t r = 0; r < regions; ++r)
    OTF2_GlobalDefWriter_WriteRegion(g, r, 3, 3, 0, OTF2_REGION_ROLE_TASK, OTF2_PARADIGM_USER,
                                     OTF2_REGION_FLAG_NONE, 4, r, r);
  OTF2_GlobalDefWriter_WriteSystemTreeNode(g, 0, 5, 5, OTF2_UNDEFINED_SYSTEM_TREE_NODE);
  OTF2_GlobalDefWriter_WriteLocationGroup(g, 0, 5, OTF2_LOCATION_GROUP_TYPE_PROCESS, 0,
                                          OTF2_UNDEFINED_LOCATION_GROUP);
  for (std::uint64_t l = 0; l < locations; ++l)
    OTF2_GlobalDefWriter_WriteLocation(g, l, 6, OTF2_LOCATION_TYPE_CPU_THREAD, each, 0);
  OTF2_Archive_Close(a);
}

// The import works in a child.
double seconds_of_children() {
  rusage used{};
  getrusage(RUSAGE_CHILDREN, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int i, std::uint64_t otherwise) {
    return argc > i ? std::max<std::uint64_t>(std::strtoull(argv[i], nullptr, 10), 1) : otherwise;
  };
  const std::uint64_t locations = number(2, 4);
  const std::uint64_t events = number(1, 5'000'000) / (2 * locations) * (2 * locations);
  if (argc > 4) {
    write_archive(argv[4], events, locations);
    return 0;
  }
  const fs::path folder = fs::temp_directory_path() / ("archives-" + std::to_string(getpid()));
  fs::create_directory(folder);
  write_archive(folder / "archive", events, locations);
  std::vector<double> times;
  for (std::uint64_t i = 0; i < number(3, 5); ++i) {
    const double before = seconds_of_children();
    jetlag::trace::import_trace((folder / "archive").string(), (folder / "run.jlt").string());
    times.push_back(seconds_of_children() - before);
    fs::remove(folder / "run.jlt");
  }
  fs::remove_all(folder);
  const nlohmann::ordered_json result = {
      {"events", events},
      {"processor seconds", median(times)},
      {"events a second and core", static_cast<double>(events) / median(times)},
  };
  std::cout << result.dump(2) << "\n";
}
