// Steps that follow each other row by row, and some rows ahead: each row is done once, and after
// what it needs.
#include "runtime/exec/row_order.h"

#include <gtest/gtest.h>

#include <random>

namespace jetlag::exec {
namespace {

constexpr std::int64_t rows = 64, row_bytes = 40;

const Buffer* buffer(std::int64_t i) { return reinterpret_cast<const Buffer*>(16 * (i + 1)); }

std::uintptr_t address(std::int64_t of) { return (std::uintptr_t{1} << 20) + 100'000u * of; }

// Row i reads or writes some columns of row i + shift of a buffer.
RowTouch by_rows(std::int64_t of, bool written, std::int64_t shift, std::int64_t column,
                 std::int64_t width, std::int64_t stride = row_bytes) {
  const std::uintptr_t begin =
      address(of) + static_cast<std::uintptr_t>(10'000 + shift * row_bytes + column);
  const std::uintptr_t end = begin + static_cast<std::uintptr_t>(width);
  const auto far = static_cast<std::uintptr_t>((rows - 1) * std::abs(stride));
  const bool down = stride < 0;
  return {buffer(of), written, down ? begin - far : begin, down ? end : end + far,
          Rows{stride, begin, end}};
}

// All rows, or the step as a whole, touch the same bytes.
RowTouch across(std::int64_t of, bool written, std::int64_t row, std::int64_t count) {
  const std::uintptr_t begin = address(of) + static_cast<std::uintptr_t>(10'000 + row * row_bytes);
  return {buffer(of), written, begin, begin + static_cast<std::uintptr_t>(count * row_bytes), {}};
}

struct Bytes {
  std::uintptr_t begin, end;
};

Bytes of_row(const RowTouch& t, std::int64_t row) {
  if (!t.rows) return {t.begin, t.end};
  const auto moved = static_cast<std::uintptr_t>(row * t.rows->stride);
  return {t.rows->begin + moved, t.rows->end + moved};
}

struct Step {
  std::vector<RowTouch> touches;
  bool whole;
};

bool conflict(const Step& a, std::int64_t p, const Step& b, std::int64_t q) {
  for (const RowTouch& x : a.touches) {
    for (const RowTouch& y : b.touches) {
      const Bytes s = of_row(x, p), t = of_row(y, q);
      if (x.buffer == y.buffer && (x.written || y.written) && s.begin < t.end && t.begin < s.end)
        return true;
    }
  }
  return false;
}

struct Done {
  std::size_t step;
  std::int64_t row;  // of a step that is done as a whole: 0
};

// What is done, in this order: first what goes ahead, then blocks of rows.
std::vector<Done> carried_out(RowOrder order, std::vector<std::int64_t> borders,
                              std::mt19937& random) {
  std::vector<Done> all;
  const auto run = [&](std::size_t step, std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) all.push_back({step, row});
  };
  order.go_ahead(run, [&](std::size_t step) { all.push_back({step, 0}); });
  std::vector<std::size_t> blocks(borders.size() - 1);
  for (std::size_t b = 0; b < blocks.size(); ++b) blocks[b] = b;
  std::shuffle(blocks.begin(), blocks.end(), random);
  for (std::size_t b : blocks) order.follow(borders[b], borders[b + 1], run);
  return all;
}

TEST(RowOrder, DoesEachRowOnceAndAfterWhatItNeeds) {
  std::mt19937 random(11);
  const auto pick = [&](std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random);
  };
  int wholes = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    RowOrder order(rows);
    std::vector<Step> steps;
    for (int k = 0; k < 14; ++k) {
      Step step{{}, pick(0, 2) == 0};
      for (std::int64_t i = pick(1, 3); i >= 0; --i) {
        const bool written = i == 0;
        const std::int64_t of = pick(0, 4);
        if (step.whole)
          step.touches.push_back(across(written ? pick(3, 6) : of, written, pick(-2, 66), 1));
        else if (!written && pick(0, 2) == 0)
          step.touches.push_back(across(pick(3, 6), false, pick(0, 63), pick(1, 3)));
        else
          step.touches.push_back(by_rows(of, written, pick(0, 9) == 0 ? 1 : 0, 8 * pick(0, 2),
                                         pick(1, 24), pick(0, 19) == 0 ? -row_bytes : row_bytes));
      }
      if (step.whole) {
        if (!order.add_whole(step.touches)) continue;
        ++wholes;
      } else {
        if (!order.takes(step.touches)) continue;
        order.add(step.touches);
      }
      steps.push_back(std::move(step));
    }
    std::vector<std::int64_t> borders{0, rows};
    for (int b = 0; b < 5; ++b) borders.push_back(pick(0, rows));
    std::sort(borders.begin(), borders.end());

    const std::vector<Done> all = carried_out(order, borders, random);

    std::vector<std::vector<int>> when(steps.size());
    for (std::size_t s = 0; s < steps.size(); ++s) when[s].assign(steps[s].whole ? 1 : rows, -1);
    for (int at = 0; const Done& d : all) {
      int& time = when[d.step][static_cast<std::size_t>(d.row)];
      ASSERT_EQ(time, -1) << "trial " << trial;
      time = at++;
    }
    for (std::size_t s = 0; s < steps.size(); ++s) {
      for (std::size_t q = 0; q < when[s].size(); ++q) {
        ASSERT_NE(when[s][q], -1) << "trial " << trial;
        for (std::size_t before = 0; before < s; ++before) {
          for (std::size_t p = 0; p < when[before].size(); ++p) {
            if (when[before][p] < when[s][q]) continue;
            ASSERT_FALSE(conflict(steps[before], static_cast<std::int64_t>(p), steps[s],
                                  static_cast<std::int64_t>(q)))
                << "trial " << trial;
          }
        }
      }
    }
  }
  EXPECT_GT(wholes, 1000);
}

// Row k of what every step writes goes ahead of the others, and no more.
TEST(RowOrder, LetsTheRowsGoAheadThatAreRead) {
  RowOrder order(rows);
  for (int k = 0; k < 8; ++k) {
    order.add({by_rows(0, true, 0, 0, row_bytes)});
    ASSERT_TRUE(order.add_whole({across(0, false, 5 * k, 1), across(1 + k, true, 0, 1)}));
  }
  EXPECT_FALSE(order.add_whole({across(0, false, 50, 1)}));  // not more than an eighth of them

  std::vector<std::int64_t> ahead;
  order.go_ahead(
      [&](std::size_t, std::int64_t first, std::int64_t last) {
        for (; first < last; ++first) ahead.push_back(first);
      },
      [](std::size_t) {});

  EXPECT_EQ(ahead.size(), 1u + 2 + 3 + 4 + 5 + 6 + 7 + 8);
  for (std::int64_t row : ahead) EXPECT_EQ(row % 5, 0);
}

TEST(RowOrder, KeepsWhatIsReadAsItIs) {
  RowOrder order(rows);
  order.add({by_rows(0, true, 0, 0, row_bytes), across(1, false, 3, 1)});

  EXPECT_FALSE(order.add_whole({across(1, true, 3, 1)}));         // would be read too late
  EXPECT_FALSE(order.add_whole({across(0, false, 0, rows)}));     // nothing is left to follow
  EXPECT_TRUE(order.add_whole({across(0, false, rows + 2, 1)}));  // lies apart
}

}  // namespace
}  // namespace jetlag::exec
