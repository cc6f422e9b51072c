#include "jobs/transport/quote.h"

#include "base/error.h"

namespace jetlag::jobs {

std::string shell_word(std::string_view argument) {
  if (argument.find('\0') != std::string_view::npos)
    throw Error(Kind::value, "an argument of a command holds a null character");
  const bool plain = !argument.empty() && argument.find_first_not_of(
                                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789_-./:,+@%") == std::string_view::npos;
  if (plain) return std::string(argument);
  // Between single quotes nothing has a meaning but the single quote.
  std::string word = "'";
  for (const char c : argument) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + "'";
}

std::string command_line(std::span<const std::string> arguments) {
  std::string line;
  for (const std::string& argument : arguments) {
    if (!line.empty()) line += ' ';
    line += shell_word(argument);
  }
  return line;
}

}  // namespace jetlag::jobs
