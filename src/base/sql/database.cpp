#include "base/sql/database.h"

#include <sqlite3.h>

#include <utility>

#include "base/error.h"

namespace jetlag::sql {

namespace {

constexpr int patience_ms = 10'000;

[[noreturn]] void fail(sqlite3* database, int code) {
  const std::string said = database ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  const char* path = database ? sqlite3_db_filename(database, nullptr) : nullptr;
  const std::string where = path && *path ? path : "the database";
  const bool full = (code & 0xff) == SQLITE_FULL;
  throw Error(Kind::io, format("{}: {}", where, said),
              full ? "make room on that disk; nothing that was stored is lost" : "");
}

}  // namespace

Statement::Statement(sqlite3* database, std::string_view text) : database_(database) {
  check(sqlite3_prepare_v2(database, text.data(), static_cast<int>(text.size()), &statement_,
                           nullptr));
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}

void Statement::check(int code) const {
  if (code != SQLITE_OK) fail(database_, code);
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  check(sqlite3_bind_int64(statement_, parameter, value));
  return *this;
}

Statement& Statement::bind(int parameter, double value) {
  check(sqlite3_bind_double(statement_, parameter, value));
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view value) {
  check(sqlite3_bind_text64(statement_, parameter, value.data() ? value.data() : "", value.size(),
                            SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  check(sqlite3_bind_null(statement_, parameter));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  fail(database_, code);
}

void Statement::run() {
  while (step()) {
  }
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return bytes ? std::string(bytes, size) : std::string();
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Database::Database(const std::string& path) {
  const int code =
      sqlite3_open_v2(path.c_str(), &database_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  if (code != SQLITE_OK) {
    const std::string said = sqlite3_errmsg(database_);
    sqlite3_close(database_);
    throw Error(Kind::io, format("cannot open {}: {}", path, said));
  }
  sqlite3_busy_timeout(database_, patience_ms);
  try {
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;");
  } catch (...) {
    sqlite3_close(database_);
    throw;
  }
}

Database::~Database() { sqlite3_close(database_); }

void Database::run(const std::string& text) {
  const int code = sqlite3_exec(database_, text.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(database_, code);
}

std::int64_t Database::last_row() const { return sqlite3_last_insert_rowid(database_); }

int Database::changes() const { return sqlite3_changes(database_); }

std::int64_t Database::version() {
  Statement asked = prepare("PRAGMA user_version");
  return asked.step() ? asked.integer(0) : 0;
}

void Database::set_version(std::int64_t version) { run(format("PRAGMA user_version={}", version)); }

Transaction::Transaction(Database& database) : database_(database) {
  database_.run("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (done_) return;
  try {
    database_.run("ROLLBACK");
  } catch (const Error&) {
    // SQLite has undone it already: that is what a failed sentence may mean.
  }
}

void Transaction::commit() {
  database_.run("COMMIT");
  done_ = true;
}

}  // namespace jetlag::sql
