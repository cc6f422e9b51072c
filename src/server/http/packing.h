// Answers in fewer bytes, for clients that can unpack them.
#pragma once

#include "server/http/message.h"

namespace jetlag::http {

// The answer as gzip makes it, if the request accepts that, and the answer is text that is long
// enough for it to matter.
Response packed(const Request& request, Response answer);

}  // namespace jetlag::http
