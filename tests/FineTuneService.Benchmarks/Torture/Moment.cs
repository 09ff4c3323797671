namespace FineTuneService.Benchmarks.Torture;

/// <summary>What the service is in the middle of when it is killed.</summary>
internal enum Moment
{
    Upload,
    Validation,
    Step,
    Save,
    Merge,
    StartUpRepair,
}
