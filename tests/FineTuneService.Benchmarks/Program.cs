using FineTuneService.Benchmarks.P1;
using FineTuneService.Benchmarks.P9;

return args switch
{
    ["P1"] => Comparison.Run(),
    ["P9"] => ChatDuringTraining.Run(),
    [VariantProcess.Marker, var variant] => VariantProcess.Serve(variant),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: ./dev bench P1 | P9");
    return 2;
}
