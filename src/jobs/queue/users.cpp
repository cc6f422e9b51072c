#include "jobs/queue/users.h"

#include <cmath>
#include <ctime>

#include "base/crypto/digest.h"
#include "base/error.h"
#include "jobs/queue/store.h"

namespace jetlag::jobs {

namespace {

constexpr std::size_t id_digits = 12;
constexpr std::size_t secret_bytes = 32;
constexpr std::size_t longest_name = 64;
constexpr double longest_life = 10 * 366 * 86'400.0;  // seconds
constexpr double between_uses = 60;                   // seconds: "last used" is no finer

constexpr const char* columns = "hash, user, created, expires, revoked, used";

Token token_of(const sql::Statement& row) {
  return {row.text(0).substr(0, id_digits),
          row.text(1),
          row.real(2),
          row.real(3),
          row.real(4),
          row.real(5)};
}

void check_name(const std::string& user) {
  constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-";
  const bool plain = user.find_first_not_of(letters) == std::string::npos;
  if (user.empty() || user.size() > longest_name || !plain || user.starts_with('-'))
    throw Error(Kind::value, "user: must be a name of letters, digits and . _ @ -");
}

std::string day(double when) {
  const auto seconds = static_cast<std::time_t>(when);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

}  // namespace

void Users::lay_out(sql::Database& database) {
  database.run(R"(
CREATE TABLE token (
  hash TEXT PRIMARY KEY, user TEXT NOT NULL, created REAL NOT NULL, expires REAL NOT NULL,
  revoked REAL NOT NULL, used REAL NOT NULL);
CREATE TABLE brought (user TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (user, digest));
)");
}

std::pair<std::string, Token> Users::make_token(const std::string& user, double seconds) {
  check_name(user);
  if (!std::isfinite(seconds) || seconds < 1 || seconds > longest_life)
    throw Error(Kind::value, "seconds: a token lives for a second at least, and for ten years");
  // A secret of so many random bits needs no slow hash: nobody tries them all.
  const std::string secret = crypto::random_hex(secret_bytes);
  const std::string hash = crypto::sha256(secret);
  const double now = unix_time();
  const std::scoped_lock lock(mutex_);
  database_.prepare(format("INSERT INTO token ({}) VALUES (?, ?, ?, ?, 0, 0)", columns))
      .with(hash, user, now, now + seconds)
      .run();
  return {secret, {hash.substr(0, id_digits), user, now, now + seconds, 0, 0}};
}

std::vector<Token> Users::tokens() {
  const std::scoped_lock lock(mutex_);
  auto rows = database_.prepare(format("SELECT {} FROM token ORDER BY created, hash", columns));
  std::vector<Token> tokens;
  while (rows.step()) tokens.push_back(token_of(rows));
  return tokens;
}

Token Users::revoke(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  auto rows = database_.prepare(
      format("SELECT {} FROM token WHERE substr(hash, 1, ?) = ? LIMIT 2", columns));
  rows.with(id.size(), id);
  if (id.empty() || id.size() > id_digits || !rows.step())
    throw Error(Kind::key, format("there is no token {}", id), "`jetlag token list` has them");
  Token token = token_of(rows);
  if (rows.step()) throw Error(Kind::key, format("more than one token begins with {}", id));
  if (token.revoked > 0) return token;
  token.revoked = unix_time();
  database_.prepare("UPDATE token SET revoked = ? WHERE substr(hash, 1, ?) = ?")
      .with(token.revoked, id.size(), id)
      .run();
  return token;
}

Holder Users::holder_of(std::string_view secret) {
  const std::string hash = crypto::sha256(secret);
  const std::scoped_lock lock(mutex_);
  auto row = database_.prepare(format("SELECT {} FROM token WHERE hash = ?", columns));
  if (!row.with(hash).step())
    return {"", "the token is wrong: this server has made no such token",
            "ask its owner for one, who types `jetlag token make NAME`"};
  const Token token = token_of(row);
  const double now = unix_time();
  const std::string hint =
      format("ask the owner of this server for another: `jetlag token make {}`", token.user);
  if (token.revoked > 0)
    return {"", format("the token of {} was revoked on {}", token.user, day(token.revoked)), hint};
  if (token.expires <= now)
    return {"", format("the token of {} expired on {}", token.user, day(token.expires)), hint};
  if (now - token.used > between_uses)
    database_.prepare("UPDATE token SET used = ? WHERE hash = ?").with(now, hash).run();
  return {token.user, "", ""};
}

void Users::brought(const std::string& user, const std::string& digest) {
  const std::scoped_lock lock(mutex_);
  database_.prepare("INSERT OR IGNORE INTO brought (user, digest) VALUES (?, ?)")
      .with(user, digest)
      .run();
}

bool Users::has_brought(const std::string& user, const std::string& digest) {
  const std::scoped_lock lock(mutex_);
  return database_.prepare("SELECT 1 FROM brought WHERE user = ? AND digest = ?")
      .with(user, digest)
      .step();
}

}  // namespace jetlag::jobs
