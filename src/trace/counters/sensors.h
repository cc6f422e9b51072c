// Energy by RAPL, and the sensors of the machine, from what Linux shows under /sys.
#pragma once

#include <memory>
#include <string>

#include "trace/counters/counters.h"

namespace jetlag::trace {

// /power{0/package-0}/energy and what lies under it. `folder`: that of the zones.
std::unique_ptr<CounterSource> power_source(std::string folder = "/sys/class/powercap");

// /sensor{0/CHIP}/LABEL: temperatures, voltages, currents, powers, fans. `folder`: that of the
// chips.
std::unique_ptr<CounterSource> sensor_source(std::string folder = "/sys/class/hwmon");

}  // namespace jetlag::trace
