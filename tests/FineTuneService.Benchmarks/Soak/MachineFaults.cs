using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace FineTuneService.Benchmarks.Soak;

/// <summary>What a machine does to a service: a database that another program holds, and a disk that is full for a while.</summary>
internal static class MachineFaults
{
    public static async Task LockDatabase(string dataDirectory, TimeSpan length)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(dataDirectory, "finetune.db")};Default Timeout=30");
        await connection.OpenAsync();
        await Execute(connection, "BEGIN IMMEDIATE");
        await Task.Delay(length);
        await Execute(connection, "ROLLBACK");
    }

    /// <summary>Fills the file system that the folder lies on, and empties it again.</summary>
    public static async Task FillDisk(string dataDirectory, TimeSpan length)
    {
        string filler = Path.Combine(dataDirectory, "filler");
        var clock = Stopwatch.StartNew();
        try
        {
            // What others free meanwhile is taken as well.
            for (; clock.Elapsed < length; await Task.Delay(200)) Fill(filler);
        }
        finally
        {
            File.Delete(filler);
        }
    }

    /// <summary>A small file system of its own, so that filling it fills nothing else; null where this user may not mount one.</summary>
    public static string? MountSmallDisk()
    {
        string folder = Directory.CreateTempSubdirectory("finetune-soak-").FullName;
        if (Run("mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs", folder) == 0) return folder;
        Directory.Delete(folder);
        return null;
    }

    public static void Unmount(string folder)
    {
        Run("umount", "--lazy", folder); // The ended service's files may be let go of a moment later.
        Directory.Delete(folder, recursive: true);
    }

    private static void Fill(string filler)
    {
        using var file = new FileStream(filler, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[1 << 20];
        try
        {
            while (true) file.Write(block);
        }
        catch (IOException)
        {
            // Full to the last block but one; single bytes for the rest.
        }
        try
        {
            while (true) file.Write(block, 0, 4096);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static async Task Execute(SqliteConnection connection, string sql)
    {
        await using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    private static int Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
