// The whole message of what a call throws, as a user would see it.
#pragma once

#include <string>

#include "base/error.h"

namespace jetlag {

template <class F>
std::string error_of(F&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.report();
  }
  return "no error";
}

}  // namespace jetlag
