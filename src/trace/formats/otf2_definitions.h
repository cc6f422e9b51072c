// What the global definitions of an OTF2 archive say, as far as a trace asks for it.
#pragma once

#include <otf2/otf2.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "trace/event.h"
#include "trace/formats/otf2_names.h"

namespace jetlag::trace::otf2 {

struct Location {
  std::string name;
  std::uint64_t events = 0;
  std::uint32_t group = 0;
  std::int64_t system = 0;
  std::uint32_t track = 0;  // from 1 on
};

struct Member {
  std::string name, unit, doc, kind;
  double scale = 1;
};

// A class of members, or an instance of one.
struct Metric {
  static constexpr std::uint64_t recorder = ~std::uint64_t{0};
  std::vector<std::uint32_t> members;
  std::uint64_t about = recorder;  // the location that it measures
};

// References that are not defined name nothing: their text is empty, their events are left out.
struct Definitions {
  bool own = false;  // written by us: everything in it means what otf2_names.h says
  std::uint64_t resolution = ticks_per_second;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::unordered_map<std::uint32_t, std::string> strings;
  std::map<SiteId, Site> sites;
  std::unordered_map<std::uint32_t, SiteId> contexts;
  std::unordered_map<std::uint32_t, std::pair<std::string, std::uint32_t>> places;  // file, line
  std::map<std::uint64_t, Location> locations;
  std::map<std::uint32_t, Member> members;
  std::unordered_map<std::uint32_t, Metric> metrics;  // classes and instances
  std::unordered_map<std::uint32_t, Event> parameters;
  std::array<std::uint32_t, attribute_names.size()> attributes;
  std::vector<std::pair<std::string, std::string>> facts;
  std::int64_t dropped = 0;
  std::int64_t closed = 1;

  // Of the location that a metric is about; 0: that of its recorder.
  std::uint32_t track_of(const Metric& metric) const;
  // Whether a rank and a number can be seen in the ids: one rank for each group.
  bool ids_are_ranks() const;
  // Site ids. Our region 0 is the site that is not known, as site 0 is.
  SiteId site_of_region(std::uint32_t region) const { return own ? region : region + 1; }
  SiteId site_of_context(std::uint32_t context) const;
};

// Throws Error(value) if they cannot be read.
Definitions read_definitions(OTF2_Reader* reader, const std::string& path);

}  // namespace jetlag::trace::otf2
