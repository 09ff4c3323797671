using System.Text.RegularExpressions;

namespace FineTuneService.Tests.Data;

/// <summary>A call to the kernel: when it began and when it was answered, as lines of strace's output.</summary>
internal sealed record SystemCall(string Name, string Arguments, int Began, int Ended);

/// <summary>What a process asked of the kernel, read from what `strace -f -y -o FILE` wrote; it pads short process numbers with spaces.</summary>
internal static partial class SystemCalls
{
    /// <summary>The command that runs another under it: the tracer is the grandchild, so that signals reach the traced process.</summary>
    public static string[] Strace(string output) =>
        ["strace", "-D", "-f", "--seccomp-bpf", "-y", "-s", "40", "-o", output, "-e", "trace=fsync,fdatasync,rename,renameat,renameat2,sendto,sendmsg"];

    /// <summary>Every call that has been answered with success, in the order of the answers.</summary>
    public static List<SystemCall> Read(string output)
    {
        var calls = new List<SystemCall>();
        var waiting = new Dictionary<string, (string Text, int Began)>();
        foreach ((int number, string line) in File.ReadLines(output).Index())
        {
            if (Begun().Match(line) is { Success: true } begun) waiting[begun.Groups[1].Value] = (begun.Groups[2].Value, number);
            else if (Resumed().Match(line) is { Success: true } resumed && waiting.Remove(resumed.Groups[1].Value, out var before)) Add(before.Text + resumed.Groups[2].Value, before.Began, number);
            else if (Whole().Match(line) is { Success: true } whole) Add(whole.Groups[1].Value, number, number);
        }
        return calls;

        void Add(string text, int began, int ended)
        {
            if (Call().Match(text) is { Success: true } call) calls.Add(new SystemCall(call.Groups[1].Value, call.Groups[2].Value, began, ended));
        }
    }

    [GeneratedRegex(@"^(\d+) +(.*) <unfinished \.\.\.>$")]
    private static partial Regex Begun();

    [GeneratedRegex(@"^(\d+) +<\.\.\. \w+ resumed>(.*)$")]
    private static partial Regex Resumed();

    [GeneratedRegex(@"^\d+ +(\w+\(.*)$")]
    private static partial Regex Whole();

    [GeneratedRegex(@"^(\w+)\((.*)\)\s+= \d+")]
    private static partial Regex Call();
}
