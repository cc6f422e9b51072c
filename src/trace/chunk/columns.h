// Records as columns: each field's numbers as distances from the smallest of them, in as few
// bytes as the largest distance needs. (Frame of reference: Goldstein, Ramakrishnan, Shaft,
// "Compressing relations and indexes", ICDE 1998.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trace/event.h"

namespace jetlag::trace {

std::vector<std::byte> to_columns(std::span<const Record> records);

// Appends the records; false if the bytes are none that to_columns could have made of `count`.
bool from_columns(std::span<const std::byte> bytes, std::size_t count,
                  std::vector<Record>& records);

}  // namespace jetlag::trace
