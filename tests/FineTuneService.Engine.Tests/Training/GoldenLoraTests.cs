using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Training;

public sealed class GoldenLoraTests
{
    public static TheoryData<string> Cases => Shared.Entries("golden/lora/cases");

    public static TheoryData<string> PreferenceCases => Shared.Entries("golden/dpo/cases");

    [Theory, MemberData(nameof(Cases))]
    public void Run_GoldenCase_MatchesStepByStep(string name) => Run("lora", name);

    [Theory, MemberData(nameof(PreferenceCases))]
    public void Run_GoldenPreferenceCase_MatchesStepByStep(string name) => Run("dpo", name);

    private static void Run(string area, string name)
    {
        using var scope = NewDisposeScope();
        GoldenLoraCase golden;
        try
        {
            golden = new GoldenLoraCase(Shared.Path("golden", area, "cases", name));
            if (golden.Recipe.Config.Lora is not null) golden.Adapter("adapter-initial").Dispose();
        }
        catch (Exception refusal) when (refusal is NotSupportedException or ArgumentException or Engine.Formats.ModelException)
        {
            Fidelity.Skipped(area, name, refusal.Message);
            return;
        }
        using var run = new GoldenLoraRun(golden, "adapter-initial");
        if (golden.IsPacking)
        {
            run.ComparePacking();
            Fidelity.Passed(area, name, run.Summary);
            return;
        }
        run.CompareEvaluation(0);
        run.CompareFirstGradients();
        for (int step = 1; step <= golden.Steps; step++)
        {
            run.CompareStep(step);
            run.CompareEvaluation(step);
        }
        run.CompareFinal();
        run.CompareMerged();
        run.CompareConverted();
        foreach (string stored in Directory.EnumerateDirectories(golden.Folder, "resume-at-*")) Resume(golden, stored);
        Fidelity.Passed(area, name, run.Summary);
    }

    /// <summary>The steps after a state that the reference stored meet the same numbers.</summary>
    private static void Resume(GoldenLoraCase golden, string stored)
    {
        using var run = new GoldenLoraRun(golden, Path.Combine(Path.GetFileName(stored), "adapter"));
        for (int step = run.Restore(stored) + 1; step <= golden.Steps; step++) run.CompareStep(step);
        run.CompareFinal();
    }
}
