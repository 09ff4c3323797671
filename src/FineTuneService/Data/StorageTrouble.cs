namespace FineTuneService.Data;

/// <summary>Trouble of the disk or the database that may pass by itself: what was asked is then asked again, and nobody's work is lost.</summary>
internal static class StorageTrouble
{
    public static bool Passes(Exception failure) => StorageFaults.Of(failure) switch
    {
        StorageFault.Damaged => false,
        null => failure is IOException and not (FileNotFoundException or DirectoryNotFoundException),
        _ => true,
    };
}
