using Microsoft.Data.Sqlite;

namespace FineTuneService.Data;

/// <summary>What is wrong with the place where the service keeps things. None of these is a client's fault.</summary>
internal enum StorageFault
{
    /// <summary>Another process holds the database.</summary>
    Busy,

    /// <summary>No space is left.</summary>
    Full,

    /// <summary>The database's pages are not what they were when they were written.</summary>
    Damaged,

    /// <summary>It cannot be opened, read or written.</summary>
    Unusable,
}

/// <summary>A fault that is told where it happens, so that it cannot be taken for the client's.</summary>
internal sealed class StorageException(StorageFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    public StorageFault Fault => fault;
}

internal static class StorageFaults
{
    // SQLite's result codes (sqlite.org/rescode.html), and the system's, which .NET hands on as an IOException's HResult: a full disk or a
    // quota that is used up; a broken or read-only disk, and more open files than are allowed.
    private const int SqliteBusy = 5, SqliteLocked = 6, SqliteReadOnly = 8, SqliteIo = 10, SqliteCorrupt = 11, SqliteFull = 13, SqliteCannotOpen = 14, SqliteNotADatabase = 26;
    private const int SqliteUnique = 2067, SqlitePrimaryKey = 1555;
    private const int NoSpace = 28, OverQuota = 122, WindowsDiskFull = unchecked((int)0x80070070);
    private const int OutputError = 5, TooManyFilesOfAll = 23, TooManyFiles = 24, ReadOnlySystem = 30;

    /// <summary>The fault behind an exception, or null where it is something else.</summary>
    public static StorageFault? Of(Exception? failure)
    {
        for (; failure is not null; failure = failure.InnerException)
        {
            switch (failure)
            {
                case StorageException told: return told.Fault;
                case SqliteException { SqliteErrorCode: SqliteBusy or SqliteLocked }: return StorageFault.Busy;
                case SqliteException { SqliteErrorCode: SqliteFull }: return StorageFault.Full;
                case SqliteException { SqliteErrorCode: SqliteCorrupt or SqliteNotADatabase }: return StorageFault.Damaged;
                case SqliteException { SqliteErrorCode: SqliteReadOnly or SqliteIo or SqliteCannotOpen }: return StorageFault.Unusable;
                case IOException { HResult: NoSpace or OverQuota or WindowsDiskFull }: return StorageFault.Full;
                case IOException { HResult: OutputError or TooManyFilesOfAll or TooManyFiles or ReadOnlySystem }: return StorageFault.Unusable;
                case UnauthorizedAccessException: return StorageFault.Unusable;
            }
        }
        return null;
    }

    /// <summary>A row with this id, or another unique value, was there first: two writers met.</summary>
    public static bool IsAlreadyThere(Exception failure) =>
        failure is SqliteException { SqliteExtendedErrorCode: SqliteUnique or SqlitePrimaryKey } || (failure.InnerException is { } inner && IsAlreadyThere(inner));
}
