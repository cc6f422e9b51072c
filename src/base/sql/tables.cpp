// Each table is a virtual one of SQLite's, in a connection that lives for one question.
#include "base/sql/tables.h"

#include <sqlite3.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <optional>

#include "base/error.h"

namespace jetlag::sql {

namespace {

// A text in an answer or made by one; patterns, nesting, and what else a question could blow up.
constexpr int most_text = 1 << 20;
constexpr int most_pattern = 1000;
constexpr int deepest = 200;
constexpr int most_joined = 20'000;  // parts of a compiled sentence
constexpr int between_looks = 2000;  // of SQLite's steps

enum Way : int { through_all, by_number, by_order };

struct Opened {
  sqlite3_vtab base;
  const Table* table;
};

struct Cursor {
  sqlite3_vtab_cursor base;
  const Table* table;
  std::int64_t row;
  std::int64_t end;
};

const Table& table_of(sqlite3_vtab* opened) { return *reinterpret_cast<Opened*>(opened)->table; }

Cursor& cursor_of(sqlite3_vtab_cursor* cursor) { return *reinterpret_cast<Cursor*>(cursor); }

int connect(sqlite3* database, void* table, int, const char* const*, sqlite3_vtab** opened,
            char**) {
  const Table& t = *static_cast<const Table*>(table);
  std::string columns;
  for (const Column& c : t.columns)
    columns += format("{}\"{}\"", columns.empty() ? "" : ", ", c.name);
  const int code = sqlite3_declare_vtab(database, ("CREATE TABLE x(" + columns + ")").c_str());
  if (code == SQLITE_OK) *opened = &(new Opened{{}, &t})->base;
  return code;
}

int disconnect(sqlite3_vtab* opened) {
  delete reinterpret_cast<Opened*>(opened);
  return SQLITE_OK;
}

// Takes the comparisons of one column that narrow the rows; SQLite compares again by itself.
int plan(sqlite3_vtab* opened, sqlite3_index_info* info) {
  const Table& t = table_of(opened);
  const auto take = [&](const auto& is_meant) {
    std::string signs;
    for (int i = 0; i < info->nConstraint; ++i) {
      const auto& c = info->aConstraint[i];
      if (!c.usable || !is_meant(c.iColumn)) continue;
      char sign = 0;
      switch (c.op) {
        case SQLITE_INDEX_CONSTRAINT_EQ: sign = '='; break;
        case SQLITE_INDEX_CONSTRAINT_GT:
        case SQLITE_INDEX_CONSTRAINT_GE: sign = '>'; break;
        case SQLITE_INDEX_CONSTRAINT_LT:
        case SQLITE_INDEX_CONSTRAINT_LE: sign = '<'; break;
        default: continue;
      }
      signs += sign;
      info->aConstraintUsage[i].argvIndex = static_cast<int>(signs.size());
    }
    return signs;
  };
  const auto is_number = [&](int column) { return column == -1 || column == t.number; };
  std::string signs = take(is_number);
  Way way = by_number;
  if (signs.empty() && t.sorted >= 0) {
    signs = take([&](int column) { return column == t.sorted; });
    way = by_order;
  }
  const auto rows = static_cast<double>(std::max<std::int64_t>(t.rows, 1));
  const bool exact = signs.find('=') != std::string::npos;
  info->idxNum = signs.empty() ? through_all : way;
  info->estimatedCost = signs.empty() ? rows : exact ? 30 : rows / 4 + 30;
  info->estimatedRows = signs.empty() ? t.rows
                        : exact       ? (way == by_number ? 1 : 10)
                                      : t.rows / 4 + 1;
  if (!signs.empty()) {
    info->idxStr = sqlite3_mprintf("%s", signs.c_str());
    if (!info->idxStr) return SQLITE_NOMEM;
    info->needToFreeIdxStr = 1;
  }
  const auto in_order = [&](const auto& by) {
    return !by.desc && (is_number(by.iColumn) || by.iColumn == t.sorted);
  };
  info->orderByConsumed = info->nOrderBy == 1 && in_order(info->aOrderBy[0]);
  return SQLITE_OK;
}

int open(sqlite3_vtab* opened, sqlite3_vtab_cursor** cursor) {
  *cursor = &(new Cursor{{}, &table_of(opened), 0, 0})->base;
  return SQLITE_OK;
}

int close(sqlite3_vtab_cursor* cursor) {
  delete &cursor_of(cursor);
  return SQLITE_OK;
}

// A whole number of 64 bits fits, and so does a double.
using Wide = long double;

// Bounds are never too narrow; what is no number bounds nothing.
std::optional<Wide> number_in(sqlite3_value* value) {
  if (sqlite3_value_type(value) == SQLITE_INTEGER)
    return static_cast<Wide>(sqlite3_value_int64(value));
  if (sqlite3_value_type(value) == SQLITE_FLOAT)
    return static_cast<Wide>(sqlite3_value_double(value));
  return std::nullopt;
}

int filter(sqlite3_vtab_cursor* at, int way, const char* signs, int count, sqlite3_value** values) {
  Cursor& cursor = cursor_of(at);
  const Table& t = *cursor.table;
  cursor.row = 0;
  cursor.end = t.rows;
  const auto key = [&](std::int64_t row) {
    if (way == by_number) return static_cast<Wide>(row);
    const Cell cell = t.columns[static_cast<std::size_t>(t.sorted)].cell(row);
    const auto* number = std::get_if<std::int64_t>(&cell);
    return number ? static_cast<Wide>(*number) : static_cast<Wide>(INT64_MIN);
  };
  const auto first_where = [&](const auto& holds) {
    std::int64_t low = cursor.row;
    std::int64_t high = cursor.end;
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if (holds(key(middle))) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  for (int i = 0; way != through_all && i < count; ++i) {
    const std::optional<Wide> bound = number_in(values[i]);
    if (!bound) continue;
    if (signs[i] != '<') cursor.row = first_where([&](Wide k) { return k >= *bound; });
    if (signs[i] != '>') cursor.end = first_where([&](Wide k) { return k > *bound; });
  }
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* cursor) {
  ++cursor_of(cursor).row;
  return SQLITE_OK;
}

int is_over(sqlite3_vtab_cursor* cursor) {
  return cursor_of(cursor).row >= cursor_of(cursor).end ? 1 : 0;
}

int column(sqlite3_vtab_cursor* at, sqlite3_context* context, int number) {
  const Cursor& cursor = cursor_of(at);
  const Cell cell = cursor.table->columns[static_cast<std::size_t>(number)].cell(cursor.row);
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) sqlite3_result_int64(context, *whole);
  else if (const auto* real = std::get_if<double>(&cell)) sqlite3_result_double(context, *real);
  else if (const auto* text = std::get_if<std::string_view>(&cell))
    sqlite3_result_text64(context, text->data() ? text->data() : "", text->size(), SQLITE_STATIC,
                          SQLITE_UTF8);
  else sqlite3_result_null(context);
  return SQLITE_OK;
}

int row_number(sqlite3_vtab_cursor* cursor, sqlite3_int64* number) {
  *number = cursor_of(cursor).row;
  return SQLITE_OK;
}

// Without a way to create, a table is there under the name of its module.
const sqlite3_module& module_of_tables() {
  static const sqlite3_module module = [] {
    sqlite3_module m{};
    m.xConnect = connect;
    m.xBestIndex = plan;
    m.xDisconnect = disconnect;
    m.xDestroy = disconnect;
    m.xOpen = open;
    m.xClose = close;
    m.xFilter = filter;
    m.xNext = next;
    m.xEof = is_over;
    m.xColumn = column;
    m.xRowid = row_number;
    return m;
  }();
  return module;
}

int only_reading(void* refused, int action, const char*, const char* name, const char*,
                 const char*) {
  const bool reads = action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE;
  const bool calls = action == SQLITE_FUNCTION && std::string_view(name) != "load_extension";
  if (reads || calls) return SQLITE_OK;
  *static_cast<bool*>(refused) = true;
  return SQLITE_DENY;
}

using Clock = std::chrono::steady_clock;

int is_late(void* deadline) {
  return Clock::now() > *static_cast<const Clock::time_point*>(deadline) ? 1 : 0;
}

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

class Question {
 public:
  Question(std::span<const Table> tables, const Limits& limits)
      : tables_(tables), limits_(limits), deadline_(Clock::now() + limits.time) {
    sqlite3* opened = nullptr;
    const int code =
        sqlite3_open_v2(":memory:", &opened,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    database_.reset(opened);
    if (code != SQLITE_OK) throw Error(Kind::memory, "SQLite has no memory for a question");
    for (const auto& [limit, most] :
         {std::pair(SQLITE_LIMIT_LENGTH, most_text), std::pair(SQLITE_LIMIT_SQL_LENGTH, most_text),
          std::pair(SQLITE_LIMIT_LIKE_PATTERN_LENGTH, most_pattern),
          std::pair(SQLITE_LIMIT_EXPR_DEPTH, deepest), std::pair(SQLITE_LIMIT_VDBE_OP, most_joined),
          std::pair(SQLITE_LIMIT_ATTACHED, 0), std::pair(SQLITE_LIMIT_WORKER_THREADS, 0)})
      sqlite3_limit(opened, limit, most);
    for (const Table& t : tables) {
      sqlite3_create_module_v2(opened, std::string(t.name).c_str(), &module_of_tables(),
                               const_cast<Table*>(&t), nullptr);
      // SQLite writes a table's columns down when it is first named; from then on only reading.
      prepare(format("SELECT 1 FROM \"{}\"", t.name));
    }
    sqlite3_set_authorizer(opened, only_reading, &refused_);
    sqlite3_progress_handler(opened, between_looks, is_late, &deadline_);
  }

  Answer run(std::string_view text) {
    const auto statement = prepare(text);
    Answer answer;
    const int columns = sqlite3_column_count(statement.get());
    for (int c = 0; c < columns; ++c)
      answer.columns.emplace_back(sqlite3_column_name(statement.get(), c));
    std::size_t bytes = 0;
    for (;;) {
      const int code = sqlite3_step(statement.get());
      if (code == SQLITE_DONE) return answer;
      if (code != SQLITE_ROW) fail(code);
      if (answer.rows.size() == limits_.rows || bytes > limits_.bytes) {
        answer.more = true;
        return answer;
      }
      std::vector<Value>& row = answer.rows.emplace_back();
      for (int c = 0; c < columns; ++c) {
        row.push_back(value(statement.get(), c));
        const auto* words = std::get_if<std::string>(&row.back());
        bytes += sizeof(Value) + (words ? words->size() : 0);
      }
    }
  }

 private:
  std::unique_ptr<sqlite3_stmt, Finalize> prepare(std::string_view text) {
    sqlite3_stmt* made = nullptr;
    const char* rest = nullptr;
    const int code = sqlite3_prepare_v2(database_.get(), text.data(), static_cast<int>(text.size()),
                                        &made, &rest);
    std::unique_ptr<sqlite3_stmt, Finalize> statement(made);
    if (code != SQLITE_OK) fail(code);
    if (!made) throw Error(Kind::value, "the question is empty", "SELECT * FROM " + first_table());
    const std::string_view left(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    const bool blank = std::all_of(left.begin(), left.end(),
                                   [](unsigned char c) { return std::isspace(c) || c == ';'; });
    if (!blank && !left.starts_with("--"))
      throw Error(Kind::value, "there are several sentences", "ask one at a time");
    return statement;
  }

  static Value value(sqlite3_stmt* statement, int c) {
    switch (sqlite3_column_type(statement, c)) {
      case SQLITE_INTEGER: return std::int64_t{sqlite3_column_int64(statement, c)};
      case SQLITE_FLOAT: return sqlite3_column_double(statement, c);
      case SQLITE_NULL: return std::monostate{};
      default: break;
    }
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, c));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, c));
    return bytes ? std::string(bytes, size) : std::string();
  }

  [[noreturn]] void fail(int code) const {
    if (refused_)
      throw Error(Kind::value, "only questions are answered: nothing is written, nothing is set",
                  "begin with SELECT or WITH");
    if (code == SQLITE_INTERRUPT)
      throw Error(Kind::value, format("the answer took longer than {} ms", limits_.time.count()),
                  "ask for less: narrow the rows by their number or time, or sum a smaller table");
    const std::string said = sqlite3_errmsg(database_.get());
    throw Error(Kind::value, said, hint_for(said));
  }

  std::string first_table() const {
    return tables_.empty() ? "sqlite_schema" : std::string(tables_.front().name);
  }

  std::string hint_for(std::string_view said) const {
    std::string names;
    const auto add = [&](std::string_view name) {
      names += format("{}{}", names.empty() ? "" : ", ", name);
    };
    if (said.starts_with("no such table")) {
      for (const Table& t : tables_) add(t.name);
      return "tables are " + names;
    }
    if (!said.starts_with("no such column")) return {};
    for (const Table& t : tables_) {
      std::string columns;
      for (const Column& c : t.columns)
        columns += format("{}{}", columns.empty() ? "" : " ", c.name);
      add(format("{} ({})", t.name, columns));
    }
    return "columns are " + names;
  }

  std::span<const Table> tables_;
  const Limits& limits_;
  Clock::time_point deadline_;
  bool refused_ = false;
  std::unique_ptr<sqlite3, CloseDatabase> database_;
};

}  // namespace

Answer ask(std::span<const Table> tables, std::string_view text, const Limits& limits) {
  return Question(tables, limits).run(text);
}

}  // namespace jetlag::sql
