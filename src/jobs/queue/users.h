// Users of a server: tokens, which expire, tell who asks; what a user has brought is theirs alone.
// The owner of the store is no user: what the system lets open the store may see all of it.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/sql/database.h"

namespace jetlag::jobs {

struct Token {
  std::string id;  // the beginning of its hash: names it, and opens nothing
  std::string user;
  double created = 0;
  double expires = 0;
  double revoked = 0;  // 0: it was not
  double used = 0;     // when it was last seen; 0: never
};

// Who has a token; else why nobody does, and what to do.
struct Holder {
  std::string user;
  std::string refusal;
  std::string hint;
};

class Users {
 public:
  // Shares the store's connection, and its mutex.
  Users(sql::Database& database, std::mutex& mutex) : database_(database), mutex_(mutex) {}

  // Makes the tables, in the transaction of whoever calls.
  static void lay_out(sql::Database& database);

  // A token for so many seconds. It is told this once: only its hash is kept. Throws Error(value)
  // if that is no name, or no time.
  std::pair<std::string, Token> make_token(const std::string& user, double seconds);
  std::vector<Token> tokens();
  // By its id, or the beginning of it; throws Error(key) if there is none.
  Token revoke(const std::string& id);
  Holder holder_of(std::string_view token);

  // A file that a user has brought: others' are as good as absent, though their digest be known.
  void brought(const std::string& user, const std::string& digest);
  bool has_brought(const std::string& user, const std::string& digest);

 private:
  sql::Database& database_;
  std::mutex& mutex_;
};

}  // namespace jetlag::jobs
