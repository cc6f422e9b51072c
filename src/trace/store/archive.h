// Values and columns of numbers in one file, which is mapped when it is read: a column costs
// nothing until it is looked at.
//
//   | head | values, one after the other | column | column | ... | digests of the pieces |
//
// Columns begin at multiples of 64 bytes, in the order in which they are told; the file is read by
// telling the same things in the same order.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/column.h"

namespace jetlag::trace {

class ArchiveWriter {
 public:
  // Of the file's permissions.
  explicit ArchiveWriter(unsigned mode) : mode_(mode) {}

  template <class... Values>
  void all(const Values&... values) {
    (put(values), ...);
  }
  template <class T, class F>
  void each(std::vector<T>& list, const F& fields) {
    put(list.size());
    for (T& element : list) fields(element);
  }

  // What was told, in a new file in the place of the old one: all of it or nothing. `key` says what
  // it was made from. The columns have to be there still. False if there is no room, no right to,
  // or somebody asks to stop.
  bool write(const std::string& path, const std::string& key, const std::stop_token& stop) const;

 private:
  void put(const std::string& text) {
    put(text.size());
    values_.append(text);
  }
  template <class T>
  void put(const Column<T>& column) {
    static_assert(std::is_trivially_copyable_v<T>);
    put(column.size());
    columns_.push_back(std::as_bytes(std::span(column.data(), column.size())));
  }
  template <class T>
    requires std::is_trivially_copyable_v<T>
  void put(const std::vector<T>& list) {
    put(list.size());
    values_.append(reinterpret_cast<const char*>(list.data()), list.size() * sizeof(T));
  }
  template <class T>
    requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void put(const T& value) {
    values_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  unsigned mode_;
  std::string values_;
  std::vector<std::span<const std::byte>> columns_;
};

// Every number read is checked against what the file holds: a file that lies about sizes throws
// Damaged and nothing else.
class ArchiveReader {
 public:
  struct Damaged {};

  // None if there is no file, it was made from something else or by another jetlag, a byte in it
  // has changed, or it is another user's: numbers in it are used as they are.
  static std::optional<ArchiveReader> open(const std::string& path, const std::string& key);

  template <class... Values>
  void all(Values&... values) {
    (get(values), ...);
  }
  template <class T, class F>
  void each(std::vector<T>& list, const F& fields) {
    list.resize(count(1));
    for (T& element : list) fields(element);
  }

 private:
  ArchiveReader() = default;
  std::span<const std::byte> take(std::size_t bytes);
  std::span<const std::byte> take_column(std::size_t bytes);
  // A number of things that take at least so many bytes each.
  std::size_t count(std::size_t bytes);

  void get(std::string& text) {
    const auto bytes = take(count(1));
    text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  template <class T>
  void get(Column<T>& column) {
    const std::size_t size = count(0);
    if (size > whole_.size() / sizeof(T)) throw Damaged();
    const auto bytes = take_column(size * sizeof(T));
    column = Column<T>(std::span(reinterpret_cast<const T*>(bytes.data()), size), keeper_);
  }
  template <class T>
    requires std::is_trivially_copyable_v<T>
  void get(std::vector<T>& list) {
    list.resize(count(sizeof(T)));
    const auto bytes = take(list.size() * sizeof(T));
    if (!bytes.empty()) std::memcpy(list.data(), bytes.data(), bytes.size());
  }
  template <class T>
    requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void get(T& value) {
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
  }

  std::shared_ptr<const void> keeper_;
  std::span<const std::byte> whole_;
  std::size_t value_ = 0;   // where the next one lies
  std::size_t values_ = 0;  // where they end
  std::size_t column_ = 0;
  std::size_t columns_ = 0;
};

}  // namespace jetlag::trace
