using Xunit.Sdk;
using Xunit.v3;

// One thread makes all torch calls (libgomp makes a team of threads for each caller), so tests run one by one.
[assembly: Parallelization(Mode = ParallelMode.None)]
