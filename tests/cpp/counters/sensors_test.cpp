#include "trace/counters/sensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace jetlag::trace {
namespace {

class Sensors : public testing::Test {
 protected:
  Sensors() {
    std::string folder = testing::TempDir() + "sensors-XXXXXX";
    folder_ = mkdtemp(folder.data());
  }
  ~Sensors() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(folder_ + "/" + name).parent_path());
    std::ofstream(folder_ + "/" + name) << text;
  }
  static std::vector<double> values(CounterSource& source) {
    std::vector<std::size_t> places(source.list().size());
    for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
    std::vector<Reading> read(places.size());
    source.read(places, read);
    std::vector<double> all;
    for (const Reading& r : read) all.push_back(r.value);
    return all;
  }

  std::string folder_;
};

TEST_F(Sensors, EnergyGoesOnWhereItsRangeEnds) {
  write("intel-rapl:0/name", "package-0\n");
  write("intel-rapl:0/energy_uj", "9000000\n");
  write("intel-rapl:0/max_energy_range_uj", "10000000\n");
  write("intel-rapl:0:0/name", "core\n");
  write("intel-rapl:0:0/energy_uj", "5000000\n");
  const auto source = power_source(folder_);

  const std::vector<ListedCounter> all = source->list();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].counter.name, "/power{0/package-0}/energy");
  EXPECT_EQ(all[0].counter.unit, "J");
  EXPECT_EQ(all[1].counter.name, "/power{0/package-0.core}/energy");
  EXPECT_EQ(values(*source), (std::vector<double>{9, 5}));
  write("intel-rapl:0/energy_uj", "2000000\n");
  EXPECT_EQ(values(*source), (std::vector<double>{12, 5}));
}

TEST_F(Sensors, HaveTheNamesOfTheirChips) {
  write("hwmon0/name", "k10 temp\n");
  write("hwmon0/temp1_input", "45500\n");
  write("hwmon0/temp1_label", "Tctl\n");
  write("hwmon0/temp1_max", "90000\n");
  write("hwmon0/fan2_input", "1200\n");
  write("hwmon1/in0_input", "x\n");
  const auto source = sensor_source(folder_);

  const std::vector<ListedCounter> all = source->list();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].counter.name, "/sensor{0/k10-temp}/fan2");
  EXPECT_EQ(all[1].counter.name, "/sensor{0/k10-temp}/Tctl");
  EXPECT_EQ(all[2].missing, folder_ + "/hwmon1/in0_input holds no number");
  const std::vector<double> read = values(*source);
  EXPECT_EQ(read[0], 1200);
  EXPECT_EQ(read[1], 45.5);
  EXPECT_TRUE(std::isnan(read[2]));
}

TEST_F(Sensors, WhereThereAreNoneTheReasonIsListed) {
  EXPECT_EQ(power_source(folder_ + "/none")->list()[0].missing,
            "there are no zones in " + folder_ + "/none");
  EXPECT_EQ(sensor_source(folder_ + "/none")->list()[0].missing,
            "there are no sensors in " + folder_ + "/none");
}

}  // namespace
}  // namespace jetlag::trace
