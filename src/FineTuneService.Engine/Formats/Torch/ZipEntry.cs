namespace FineTuneService.Engine.Formats.Torch;

/// <summary>A file of an archive, stored as it is.</summary>
/// <param name="Begin">Its first byte, from the archive's start.</param>
internal readonly record struct ZipEntry(long Begin, long Length);
