using System.Diagnostics;
using System.Globalization;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Benchmarks.Rows;

/// <summary>
/// Memory that a training file takes while it is read, encoded and gone through once in another order, as a job does it: a process each for 10,000,
/// 100,000 and a million rows, so that none has another's peak.
/// </summary>
internal static class RowMemory
{
    /// <summary>Of the process, for a file of any length: 32 MB of tokens, 60 MB of prompts' hashes, 8 bytes a row, and the runtime.</summary>
    private const int MostResident = 320 << 20;

    public static int Run()
    {
        Console.WriteLine($"{"rows",9}{"file MB",10}{"seconds",9}{"managed MB",12}{"resident MB",13}");
        long[] peaks = [.. new[] { 10_000, 100_000, 1_000_000 }.Select(Child)];
        return Limits.Holds($"a process that reads and goes through a million rows holds at most {MostResident >> 20} MB", peaks[^1] <= MostResident) ? 0 : 1;
    }

    /// <summary>Measures in this process, and prints a line.</summary>
    public static int Measure(int count)
    {
        string folder = Directory.CreateTempSubdirectory("finetune-rows-").FullName;
        try
        {
            string path = Path.Combine(folder, "rows.jsonl");
            Write(path, count);
            Tokenizer tokenizer = Tokenizer.Parse(BpeTrainer.Train(File.ReadLines(path).Take(100), 1000, ["<|end|>"]));
            long managed = 0;
            using var watch = new Timer(_ => managed = Math.Max(managed, GC.GetTotalMemory(forceFullCollection: false)), null, 0, 5);
            double seconds = Samples.Seconds(() => Once(path, folder, tokenizer));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{count,9}{new FileInfo(path).Length / 1e6,10:F0}{seconds,9:F1}{managed / 1e6,12:F0}{PeakMemory.Bytes / 1e6,13:F0}"));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Once(string path, string folder, Tokenizer tokenizer)
    {
        using FileStream bytes = File.OpenRead(path);
        using var rows = new RowFile(folder);
        var reader = new DatasetReader(bytes, "rows.jsonl");
        EncodedRows encoded = new RowEncoder(tokenizer, null, 512).Encode(reader.Rows(), rows);
        if (reader.HasProblems || encoded.Problems.Count > 0) throw new InvalidOperationException("the made rows are no good");
        long tokens = 0;
        // A step that no count of rows is a multiple of goes to each of them.
        for (int i = 0, at = 0; i < rows.Count; i++, at = (at + 7919) % rows.Count) tokens += rows[at].Ids.Length;
        if (tokens != rows.Tokens) throw new InvalidOperationException($"{tokens} tokens were read of {rows.Tokens}");
    }

    private static void Write(string path, int count)
    {
        using var file = new StreamWriter(path);
        for (int i = 0; i < count; i++)
            file.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{{\"prompt\": \"What is {i} times {i % 97}, and what is it divided by {i % 89 + 2}?\", \"completion\": \" It is {(long)i * (i % 97)}; divided, some {(double)i * (i % 97) / (i % 89 + 2):F2}.\"}}"));
    }

    private static long Child(int count)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        foreach (string argument in (string[])["rows", $"{count}"]) start.ArgumentList.Add(argument);
        using Process child = Process.Start(start)!;
        string line = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        if (child.ExitCode != 0) throw new InvalidOperationException($"{count} rows: exit code {child.ExitCode}");
        Console.Write(line);
        return (long)(double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1], CultureInfo.InvariantCulture) * 1e6);
    }
}
