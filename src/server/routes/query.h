// A trace as tables for SQL.
#pragma once

#include <vector>

#include "base/sql/tables.h"
#include "server/routes/traces.h"

namespace jetlag::routes {

// The trace has to outlive them.
std::vector<sql::Table> tables_of(const OpenTrace& open);

}  // namespace jetlag::routes
