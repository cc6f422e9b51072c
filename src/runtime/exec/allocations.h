// Array memory in a trace.
#pragma once

namespace jetlag::exec {

// From now on recordings hold when large blocks of array memory are taken and given back (the
// setting trace_allocations). To be called once, when the process begins.
void record_allocations();

}  // namespace jetlag::exec
