using System.Diagnostics;

namespace FineTuneService.Engine.Tests;

/// <summary>CI's comparison of a run's report with docs/fidelity.md (.ci/fidelity).</summary>
public class FidelityTests
{
    private const string Promised = """
        # Fidelity

        ## chat: 1 passed, 0 skipped

        | case | result | |
        |---|---|---|
        | one | passed | 3 renderings equal |

        ## lora: 1 passed, 1 skipped

        | case | result | |
        |---|---|---|
        | one | passed | largest relative difference of a loss 1.0e-7 |
        | two | skipped | use_dora is not supported |

        """;

    [Theory]
    [InlineData("1.0e-7", "3.5e-6", 0, "every case that passed before passes")]
    [InlineData("| two | skipped |", "| two | passed |", 0, "1 more cases pass")]
    [InlineData("| one | passed | largest", "| one | skipped | largest", 1, "refused: lora/one")]
    [InlineData("| one | passed | 3", "| other | passed | 3", 1, "missing: chat/one")]
    public async Task Script_ReportOfARun_FailsOnlyWhereACaseNoLongerPasses(string promised, string ran, int exit, string said)
    {
        using var folder = new TemporaryFolder();
        folder.Write("docs.md", Promised);
        folder.Write("run.md", Promised.Replace(promised, ran));
        var start = new ProcessStartInfo(Path.Combine(Shared.Repository, ".ci", "fidelity")) { RedirectStandardOutput = true };
        foreach (var name in (string[])["run.md", "docs.md"]) start.ArgumentList.Add(Path.Combine(folder.Path, name));
        using var script = Process.Start(start)!;
        var output = await script.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await script.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Contains(said, output);
        Assert.Equal(exit, script.ExitCode);
    }
}
