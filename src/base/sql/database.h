// SQLite behind two classes: a Database is one connection, a Statement one prepared sentence.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace jetlag::sql {

// A prepared sentence with its parameters. Numbers of parameters count from 1,
// those of columns from 0, as in SQLite.
class Statement {
 public:
  Statement(sqlite3* database, std::string_view text);
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;

  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, double value);
  Statement& bind(int parameter, std::string_view value);
  Statement& bind_null(int parameter);

  // Binds all parameters in their order.
  template <class... Values>
  Statement& with(const Values&... values) {
    int parameter = 0;
    (bind_one(++parameter, values), ...);
    return *this;
  }

  // Goes to the next row; false when there is none.
  bool step();
  // For a sentence that gives no rows.
  void run();

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  template <class Value>
  void bind_one(int parameter, const Value& value) {
    if constexpr (std::is_integral_v<Value>) {
      bind(parameter, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_floating_point_v<Value>) {
      bind(parameter, static_cast<double>(value));
    } else {
      bind(parameter, std::string_view(value));
    }
  }
  void check(int code) const;

  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
};

// One connection to a file, which is made if it is not there; in WAL mode, so
// that readers do not wait for the writer. Not for several threads at once.
class Database {
 public:
  explicit Database(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Several sentences without parameters.
  void run(const std::string& text);
  Statement prepare(std::string_view text) { return Statement(database_, text); }
  std::int64_t last_row() const;
  int changes() const;

  // The number that a program keeps in its file to know the layout.
  std::int64_t version();
  void set_version(std::int64_t version);

 private:
  sqlite3* database_ = nullptr;
};

// All or nothing: what was written is undone unless commit() was reached.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool done_ = false;
};

}  // namespace jetlag::sql
