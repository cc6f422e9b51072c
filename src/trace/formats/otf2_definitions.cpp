#include "trace/formats/otf2_definitions.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "trace/formats/otf2_errors.h"

namespace jetlag::trace::otf2 {

namespace {

Definitions& of(void* data) { return *static_cast<Definitions*>(data); }

std::string text(const Definitions& d, std::uint32_t string) {
  const auto at = d.strings.find(string);
  return at == d.strings.end() ? std::string() : at->second;
}

constexpr OTF2_CallbackCode more = OTF2_CALLBACK_SUCCESS;

OTF2_CallbackCode clock(void* data, std::uint64_t resolution, std::uint64_t offset,
                        std::uint64_t length, std::uint64_t) {
  of(data).resolution = std::max<std::uint64_t>(resolution, 1);
  of(data).offset = offset;
  of(data).length = length;
  return more;
}

OTF2_CallbackCode string(void* data, OTF2_StringRef self, const char* string) {
  of(data).strings[self] = string ? string : "";
  return more;
}

OTF2_CallbackCode attribute(void* data, OTF2_AttributeRef self, OTF2_StringRef name, OTF2_StringRef,
                            OTF2_Type) {
  Definitions& d = of(data);
  const std::string named = text(d, name);
  const auto at = std::find(attribute_names.begin(), attribute_names.end(), named);
  if (at != attribute_names.end())
    d.attributes[static_cast<std::size_t>(at - attribute_names.begin())] = self;
  return more;
}

OTF2_CallbackCode parameter(void* data, OTF2_ParameterRef self, OTF2_StringRef name,
                            OTF2_ParameterType) {
  Definitions& d = of(data);
  for (const EventKind& k : event_kinds()) {
    if (d.own && k.name == text(d, name)) d.parameters[self] = k.event;
  }
  return more;
}

Category category_of(OTF2_RegionRole role) {
  switch (role) {
    case OTF2_REGION_ROLE_FUNCTION:
    case OTF2_REGION_ROLE_WRAPPER: return Category::call;
    case OTF2_REGION_ROLE_TASK:
    case OTF2_REGION_ROLE_TASK_UNTIED: return Category::task;
    case OTF2_REGION_ROLE_BARRIER:
    case OTF2_REGION_ROLE_IMPLICIT_BARRIER:
    case OTF2_REGION_ROLE_TASK_WAIT:
    case OTF2_REGION_ROLE_THREAD_WAIT: return Category::wait;
    case OTF2_REGION_ROLE_LOOP:
    case OTF2_REGION_ROLE_CODE: return Category::user;
    default: return Category::runtime;
  }
}

OTF2_CallbackCode region(void* data, OTF2_RegionRef self, OTF2_StringRef name,
                         OTF2_StringRef canonical, OTF2_StringRef description, OTF2_RegionRole role,
                         OTF2_Paradigm, OTF2_RegionFlag, OTF2_StringRef file, std::uint32_t line,
                         std::uint32_t) {
  Definitions& d = of(data);
  const SiteId id = d.site_of_region(self);
  if (id == 0) return more;
  Site site;
  site.name = text(d, name);
  site.category = category_of(role);
  site.function = d.own ? text(d, canonical) : std::string();
  site.text = d.own ? text(d, description) : std::string();
  site.file = text(d, file);
  site.line = static_cast<std::int32_t>(std::min<std::uint32_t>(line, INT32_MAX));
  d.sites[id] = site;
  return more;
}

OTF2_CallbackCode source_location(void* data, OTF2_SourceCodeLocationRef self, OTF2_StringRef file,
                                  std::uint32_t line) {
  of(data).places[self] = {text(of(data), file), line};
  return more;
}

// A context with a place of its own is a site of its own; their numbers count down from the last.
OTF2_CallbackCode context(void* data, OTF2_CallingContextRef self, OTF2_RegionRef region,
                          OTF2_SourceCodeLocationRef place, OTF2_CallingContextRef) {
  Definitions& d = of(data);
  SiteId id = d.site_of_region(region);
  const auto known = d.sites.find(id);
  const auto at = d.places.find(place);
  if (!d.own && known != d.sites.end() && at != d.places.end()) {
    Site site = known->second;
    site.file = at->second.first;
    site.line = static_cast<std::int32_t>(std::min<std::uint32_t>(at->second.second, INT32_MAX));
    if (site != known->second) {
      id = ~static_cast<SiteId>(d.contexts.size());
      d.sites[id] = site;
    }
  }
  d.contexts[self] = id;
  return more;
}

OTF2_CallbackCode context_property(void* data, OTF2_CallingContextRef context, OTF2_StringRef name,
                                   OTF2_Type type, OTF2_AttributeValue value) {
  Definitions& d = of(data);
  if (!d.own) return more;
  const auto at = d.sites.find(d.site_of_context(context));
  if (at == d.sites.end()) return more;
  const std::string property = text(d, name);
  if (type == OTF2_TYPE_STRING && property == category)
    at->second.category = category_named(text(d, value.stringRef));
  else if (type == OTF2_TYPE_INT64 && property == column)
    at->second.column = static_cast<std::int32_t>(value.int64);
  else if (type == OTF2_TYPE_INT64 && property == node)
    at->second.node = static_cast<std::int32_t>(value.int64);
  return more;
}

OTF2_CallbackCode location(void* data, OTF2_LocationRef self, OTF2_StringRef name,
                           OTF2_LocationType, std::uint64_t events, OTF2_LocationGroupRef group) {
  of(data).locations[self] = {text(of(data), name), events, group, 0, 0};
  return more;
}

OTF2_CallbackCode location_property(void* data, OTF2_LocationRef location, OTF2_StringRef name,
                                    OTF2_Type type, OTF2_AttributeValue value) {
  const auto at = of(data).locations.find(location);
  if (at != of(data).locations.end() && type == OTF2_TYPE_INT64 && text(of(data), name) == system)
    at->second.system = value.int64;
  return more;
}

OTF2_CallbackCode group_property(void* data, OTF2_LocationGroupRef, OTF2_StringRef name,
                                 OTF2_Type type, OTF2_AttributeValue value) {
  Definitions& d = of(data);
  const std::string property = text(d, name);
  if (type == OTF2_TYPE_STRING && property.starts_with(fact_prefix))
    d.facts.emplace_back(property.substr(fact_prefix.size()), text(d, value.stringRef));
  else if (type == OTF2_TYPE_INT64 && property == dropped) d.dropped = value.int64;
  else if (type == OTF2_TYPE_INT64 && property == closed) d.closed = value.int64;
  return more;
}

OTF2_CallbackCode member(void* data, OTF2_MetricMemberRef self, OTF2_StringRef name,
                         OTF2_StringRef description, OTF2_MetricType, OTF2_MetricMode mode,
                         OTF2_Type, OTF2_Base base, std::int64_t exponent, OTF2_StringRef unit) {
  Definitions& d = of(data);
  const auto values = mode & OTF2_METRIC_VALUE_MASK;
  const CounterKind kind = values == OTF2_METRIC_VALUE_ACCUMULATED ? CounterKind::monotone
                           : values == OTF2_METRIC_VALUE_RELATIVE  ? CounterKind::rate
                           : mode == OTF2_METRIC_ABSOLUTE_LAST     ? CounterKind::average
                                                                   : CounterKind::gauge;
  d.members[self] = {
      text(d, name), text(d, unit), text(d, description), std::string(kind_name(kind)),
      std::pow(base == OTF2_BASE_BINARY ? 2.0 : 10.0, static_cast<double>(exponent))};
  return more;
}

OTF2_CallbackCode metric_class(void* data, OTF2_MetricRef self, std::uint8_t count,
                               const OTF2_MetricMemberRef* members, OTF2_MetricOccurrence,
                               OTF2_RecorderKind) {
  of(data).metrics[self].members.assign(members, members + count);
  return more;
}

OTF2_CallbackCode metric_instance(void* data, OTF2_MetricRef self, OTF2_MetricRef of_class,
                                  OTF2_LocationRef, OTF2_MetricScope scope, std::uint64_t about) {
  Definitions& d = of(data);
  const auto at = d.metrics.find(of_class);
  if (at == d.metrics.end()) return more;
  Metric instance = at->second;
  if (scope == OTF2_SCOPE_LOCATION) instance.about = about;
  d.metrics[self] = std::move(instance);
  return more;
}

}  // namespace

SiteId Definitions::site_of_context(std::uint32_t context) const {
  const auto at = contexts.find(context);
  return at == contexts.end() ? 0 : at->second;
}

std::uint32_t Definitions::track_of(const Metric& metric) const {
  const auto at = locations.find(metric.about);
  return metric.about == Metric::recorder || at == locations.end() ? 0 : at->second.track;
}

bool Definitions::ids_are_ranks() const {
  std::map<std::uint64_t, std::uint32_t> group_of_rank;
  std::map<std::uint32_t, std::uint64_t> rank_of_group;
  for (const auto& [id, l] : locations) {
    if (group_of_rank.emplace(id >> 32, l.group).first->second != l.group) return false;
    if (rank_of_group.emplace(l.group, id >> 32).first->second != id >> 32) return false;
  }
  return true;
}

Definitions read_definitions(OTF2_Reader* reader, const std::string& path) {
  Definitions d;
  d.attributes.fill(OTF2_UNDEFINED_ATTRIBUTE);
  char* by = nullptr;
  if (OTF2_Reader_GetCreator(reader, &by) == OTF2_SUCCESS && by) d.own = by == creator;
  std::free(by);
  const std::unique_ptr<OTF2_GlobalDefReaderCallbacks,
                        decltype(&OTF2_GlobalDefReaderCallbacks_Delete)>
      callbacks(OTF2_GlobalDefReaderCallbacks_New(), OTF2_GlobalDefReaderCallbacks_Delete);
  OTF2_GlobalDefReaderCallbacks* c = callbacks.get();
  OTF2_GlobalDefReaderCallbacks_SetClockPropertiesCallback(c, clock);
  OTF2_GlobalDefReaderCallbacks_SetStringCallback(c, string);
  OTF2_GlobalDefReaderCallbacks_SetAttributeCallback(c, attribute);
  OTF2_GlobalDefReaderCallbacks_SetParameterCallback(c, parameter);
  OTF2_GlobalDefReaderCallbacks_SetRegionCallback(c, region);
  OTF2_GlobalDefReaderCallbacks_SetSourceCodeLocationCallback(c, source_location);
  OTF2_GlobalDefReaderCallbacks_SetCallingContextCallback(c, context);
  OTF2_GlobalDefReaderCallbacks_SetCallingContextPropertyCallback(c, context_property);
  OTF2_GlobalDefReaderCallbacks_SetLocationCallback(c, location);
  OTF2_GlobalDefReaderCallbacks_SetLocationPropertyCallback(c, location_property);
  OTF2_GlobalDefReaderCallbacks_SetLocationGroupPropertyCallback(c, group_property);
  OTF2_GlobalDefReaderCallbacks_SetMetricMemberCallback(c, member);
  OTF2_GlobalDefReaderCallbacks_SetMetricClassCallback(c, metric_class);
  OTF2_GlobalDefReaderCallbacks_SetMetricInstanceCallback(c, metric_instance);
  OTF2_GlobalDefReader* definitions = OTF2_Reader_GetGlobalDefReader(reader);
  std::uint64_t count = 0;
  if (!definitions ||
      OTF2_Reader_RegisterGlobalDefCallbacks(reader, definitions, c, &d) != OTF2_SUCCESS ||
      OTF2_Reader_ReadAllGlobalDefinitions(reader, definitions, &count) != OTF2_SUCCESS)
    throw Error(Kind::value, format("the definitions of {} cannot be read: {}", path, last_error()),
                "the archive is not complete, or damaged");
  std::uint32_t track = 0;
  for (auto& [id, l] : d.locations) l.track = ++track;
  return d;
}

}  // namespace jetlag::trace::otf2
