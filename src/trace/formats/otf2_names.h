// How our traces lie in OTF2 archives; the writer and the reader agree here.
//
//   location     a thread; its id is rank << 32 | number, as APEX has it
//   group        the process of a rank
//   region       region 0 is a site that is not known, the others are the sites in order, with
//                file and line; its calling context has what a region lacks
//   enter, leave a span. GUID names what was entered: a task by its own number, any other span by
//                one above all tasks. Parent GUID names the span or task that it belongs to
//   metric       a sample; each counter is a member in a class of its own
//   parameter    any other event, named as in trace::event_kinds(), with its argument:
//                create and ready say how a task came to run, ready once for each that it waited
//                for
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace jetlag::trace::otf2 {

constexpr std::string_view creator = "jetlag";
constexpr std::uint64_t ticks_per_second = 1'000'000'000;

enum Attribute : std::uint32_t { guid, parent_guid, task, open, site, from, bytes, flops };
// APEX's two come first: viewers know them by name.
constexpr std::array<std::string_view, 8> attribute_names{"GUID", "Parent GUID", "Task",  "Open",
                                                          "Site", "From",        "Bytes", "Flops"};

// Properties of calling contexts, locations and groups. A group has the facts of the run too,
// under `fact_prefix`.
constexpr std::string_view category = "jetlag.category";
constexpr std::string_view column = "jetlag.column";
constexpr std::string_view node = "jetlag.node";
constexpr std::string_view system = "jetlag.system";
constexpr std::string_view dropped = "jetlag.dropped";
constexpr std::string_view closed = "jetlag.closed";
constexpr std::string_view fact_prefix = "jetlag.fact.";

}  // namespace jetlag::trace::otf2
