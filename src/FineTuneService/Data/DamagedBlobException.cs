namespace FineTuneService.Data;

/// <summary>A blob is not there, or its bytes are no longer those that its name says. They are never used.</summary>
public sealed class DamagedBlobException(string message) : Exception(message);
