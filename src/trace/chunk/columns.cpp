#include "trace/chunk/columns.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>
#include <utility>

namespace jetlag::trace {

namespace {

// A column: its smallest number, the bytes of a distance, the distances.
struct ColumnHeader {
  std::uint64_t smallest;
  std::uint64_t width;
};

constexpr std::size_t fields = 5;

constexpr std::uint64_t field(const Record& r, std::size_t i) {
  switch (i) {
    case 0: return r.ticks;
    case 1: return r.task;
    case 2: return r.argument;
    case 3: return r.site;
    default: return static_cast<std::uint64_t>(r.event);
  }
}

// With the number as a constant, so that no loop looks for the field.
template <class F>
void for_each_field(const F& f) {
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    (f(std::integral_constant<std::size_t, i>{}), ...);
  }(std::make_index_sequence<fields>{});
}

void set_field(Record& r, std::size_t i, std::uint64_t value) {
  switch (i) {
    case 0: r.ticks = value; break;
    case 1: r.task = value; break;
    case 2: r.argument = value; break;
    case 3: r.site = static_cast<SiteId>(value); break;
    default: r.event = static_cast<Event>(value);
  }
}

std::uint64_t width_of(std::uint64_t largest) {
  if (largest == 0) return 0;
  if (largest <= 0xff) return 1;
  if (largest <= 0xffff) return 2;
  return largest <= 0xffffffff ? 4 : 8;
}

template <class F>
void for_width(std::uint64_t width, const F& f) {
  switch (width) {
    case 1: return f(std::uint8_t{});
    case 2: return f(std::uint16_t{});
    case 4: return f(std::uint32_t{});
    default: return f(std::uint64_t{});
  }
}

constexpr std::size_t padded(std::size_t bytes) { return (bytes + 7) / 8 * 8; }

}  // namespace

std::vector<std::byte> to_columns(std::span<const Record> records) {
  // One look at the records for all the columns' bounds.
  std::array<std::uint64_t, fields> smallest{};
  std::array<std::uint64_t, fields> largest{};
  if (!records.empty()) {
    for (std::size_t i = 0; i < fields; ++i) smallest[i] = largest[i] = field(records[0], i);
  }
  for (const Record& r : records) {
    for_each_field([&](auto i) {
      smallest[i] = std::min(smallest[i], field(r, i));
      largest[i] = std::max(largest[i], field(r, i));
    });
  }
  std::size_t size = 0;
  std::array<ColumnHeader, fields> headers;
  for (std::size_t i = 0; i < fields; ++i) {
    headers[i] = {smallest[i], width_of(largest[i] - smallest[i])};
    size += sizeof(ColumnHeader) + padded(records.size() * headers[i].width);
  }
  std::vector<std::byte> bytes(size);
  std::byte* at = bytes.data();
  for_each_field([&](auto i) {
    const ColumnHeader header = headers[i];
    std::memcpy(at, &header, sizeof header);
    at += sizeof header;
    if (header.width == 0) return;
    std::byte* out = at;
    for_width(header.width, [&](auto number) {
      for (const Record& r : records) {
        number = static_cast<decltype(number)>(field(r, i) - header.smallest);
        std::memcpy(out, &number, sizeof number);
        out += sizeof number;
      }
    });
    at += padded(records.size() * header.width);
  });
  return bytes;
}

bool from_columns(std::span<const std::byte> bytes, std::size_t count,
                  std::vector<Record>& records) {
  const std::size_t before = records.size();
  records.resize(before + count);
  const std::span<Record> fresh = std::span(records).subspan(before);
  std::size_t at = 0;
  for (std::size_t i = 0; i < fields; ++i) {
    ColumnHeader header;
    const auto refuse = [&] {
      records.resize(before);
      return false;
    };
    if (bytes.size() - at < sizeof header) return refuse();
    std::memcpy(&header, bytes.data() + at, sizeof header);
    at += sizeof header;
    if (header.width > 8 ||
        width_of(~std::uint64_t{0} >> (64 - 8 * std::max<std::uint64_t>(header.width, 1))) !=
            std::max<std::uint64_t>(header.width, 1))
      return refuse();
    const std::size_t size = padded(count * header.width);
    if (bytes.size() - at < size) return refuse();
    const std::byte* in = bytes.data() + at;
    at += size;
    if (header.width == 0) {
      for (Record& r : fresh) set_field(r, i, header.smallest);
      continue;
    }
    for_width(header.width, [&](auto number) {
      for (Record& r : fresh) {
        std::memcpy(&number, in, sizeof number);
        in += sizeof number;
        set_field(r, i, header.smallest + number);
      }
    });
  }
  for (const Record& r : fresh) {
    if (static_cast<std::size_t>(r.event) >= event_count) {
      records.resize(before);
      return false;
    }
  }
  return true;
}

}  // namespace jetlag::trace
