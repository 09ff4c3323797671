// One thread makes all torch calls (libgomp makes a team of threads for each caller), so tests run one by one.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
