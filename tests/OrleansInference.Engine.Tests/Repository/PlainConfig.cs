namespace OrleansInference.Engine.Tests.Repository;

/// <summary>The configuration of models of which only their folders matter.</summary>
internal static class PlainConfig
{
    public const string Text =
        """
        {"input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}], "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}]}
        """;
}
