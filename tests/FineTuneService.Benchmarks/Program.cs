using FineTuneService.Benchmarks.P1;

return args switch
{
    ["P1"] => Comparison.Run(),
    [VariantProcess.Marker, var variant] => VariantProcess.Serve(variant),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: ./dev bench P1");
    return 2;
}
